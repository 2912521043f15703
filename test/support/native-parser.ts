import { NativeParserError, nativeSupport } from '../../src/chunk/native/parser-process.ts';

const support = await nativeSupport().catch((error: unknown) => {
  if (error instanceof NativeParserError) return error;
  throw error;
});

/** For the `skip` of tests that need the native parser: false where it works here. */
export const withoutNative: string | false = support instanceof NativeParserError ? support.reason : false;

/** Languages that it parses here. */
export const nativeLanguages: readonly string[] =
  support instanceof NativeParserError ? [] : support.languages;
