/**
 * What keeps the store's memory flat can only be set before a process starts: without it glibc keeps what large batches
 * took. So a command that writes runs in a process started with it.
 */
export const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '2' };
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
