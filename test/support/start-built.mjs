// Of `npm test`, which builds first: processes and threads of tidemark's own are started from what is built.
process.env.TIDEMARK_TEST_BUILT = '1';
