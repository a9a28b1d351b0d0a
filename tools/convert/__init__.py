"""What tools/cnnc_convert.py is made of."""
