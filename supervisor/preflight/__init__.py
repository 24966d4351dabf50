"""What can be known of a configuration and a machine before anything is started."""
