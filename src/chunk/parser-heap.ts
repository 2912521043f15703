/** Pages of WebAssembly that a parser heap starts with: what the runtime was linked with, 32 MiB. */
export const INITIAL_PAGES = 512;
/** Pages that it may grow to, 512 MiB: a window of 512 KiB makes trees of at most some 30 MB; this is for the worst. */
export const PARSER_PAGES = 8192;
