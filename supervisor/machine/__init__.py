"""What the operating system does for us: processes, /proc, directories, sockets' descriptors."""
