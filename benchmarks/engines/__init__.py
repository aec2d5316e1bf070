"""The same networks in every run time at hand: how fast, and how near to FP32 on the processor."""
