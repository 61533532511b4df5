"""Import what another instance, DLRN or rdo, has built and published as builds of a target."""
