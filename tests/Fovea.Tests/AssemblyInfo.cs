// Instruction sets and the thread pool are process-wide and tests change them, so tests run one after another.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
