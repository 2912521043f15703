// What `npm test` sets for the tests and for all that they start.

// It builds first: processes and threads of tidemark's own are started from what is built.
process.env.TIDEMARK_TEST_BUILT = '1';

// Each process reads these as it starts, which may be a third of its start; only npm, which one test runs, needs them.
const { NODE_EXTRA_CA_CERTS: certificates } = process.env;
if (certificates !== undefined) {
  process.env.TIDEMARK_TEST_CERTIFICATES = certificates;
  delete process.env.NODE_EXTRA_CA_CERTS;
}
