"""Virtual runs on all cores or on a cluster: a fleet in shards, or one seed after the other."""
