"""What training and processing jobs share: hosts, supervision, files for the container, reasons of failure."""
