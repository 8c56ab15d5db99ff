"""The handlers of Spot REST. Who may call them is decided before (`krakenctl.sandbox.routes`)."""
