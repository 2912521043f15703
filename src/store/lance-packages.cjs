/**
 * Lance, and the very copy of Arrow that it uses: a second one would cost memory and a conversion on each add. Each is
 * loaded when it is first asked for. `scripts/build.mjs` makes one file of this and of the modules of both.
 */
exports.lance = () => require('@lancedb/lancedb');
exports.arrow = () => require('apache-arrow');
