import { availableParallelism } from 'node:os';

/** With more cores more threads would wait for the one arena. */
const FEW_CORES = 4;
/**
 * What keeps the store's memory flat can only be set before a process starts: without it glibc keeps what large batches
 * took. So a command that writes runs in a process started with it. What is freed in one arena is of no use in another:
 * with one of them 4 to 6 MB less than with two, in the mean and at the peak, for 1 to 2 % of the time of an index run.
 * Each thread keeps some of what it frees for itself, which pins the heap where it lies: over 25,000 files of Linux the
 * heap grew from 15 to 22 MB with that and stayed at 16 without, in the same time. From 8 KB on a block has pages of its
 * own, which go back when it is freed: most of what V8 compiles with and of Lance's small buffers. With 128 KB the heap grew
 * over all of Linux from 14 to 22 MB, now it stays at 12; 700 mappings at the most, of the 65,530 that a process may have.
 */
export const ALLOCATOR = {
  MALLOC_MMAP_THRESHOLD_: '8192',
  MALLOC_ARENA_MAX: availableParallelism() > FEW_CORES ? '2' : '1',
  GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0',
};
/**
 * Measured on index runs under a tight budget: 255 MB at the peak without the first two, 212 MB with them; 290 MB and
 * 235 MB without and with the third, which has garbage of many windows collected sooner.
 */
export const SMALL_HEAP = ['--max-semi-space-size=2', '--optimize-for-size', '--heap-growing-percent=30'];
/**
 * V8 would compile each parser a second time, which takes seconds and some 90 MB, for a fifth more speed. Set here only:
 * a library must not decide what holds for its whole process. `chunks` has one parser and can have both.
 */
export const BASELINE_WASM = '--liftoff-only';
