"""What the CUDA target stands on: device memory, compiling and launching kernels, the simulator."""
