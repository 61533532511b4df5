"""What another instance, DLRN or rdo, has built and published becomes builds of a target."""
