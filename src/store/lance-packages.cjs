/**
 * Lance, and the very copy of Arrow that it uses: a second one would cost memory, and its types are not Lance's. Each is
 * loaded when it is first asked for. `scripts/build.mjs` makes one file of this and of the modules of both.
 */
exports.lance = () => require('@lancedb/lancedb');
exports.arrow = () => require('apache-arrow');
