"""What training and processing jobs share: hosts, supervision, surroundings, reasons of failure."""
