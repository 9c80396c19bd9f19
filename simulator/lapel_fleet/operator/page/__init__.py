"""The operator's web page, `lapel-fleet serve`: the fleet at a glance, each camera, commands, history."""
