"""The named passes from a Program to kernels, each in a file of its own."""
