"""(desired, live, recorded, now) → Plan. Pure: no clock, no file, no network; the same input, the same bytes."""
