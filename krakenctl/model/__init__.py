"""What flows between the stages: frozen values, standard library only. Nothing here reads, writes or decides."""
