import { Command, CommanderError, Option } from 'commander';
import { TIDEMARK_VERSION } from '../pipeline/versions.ts';
import { complain, EXIT, firstOf, report } from './exit-codes.ts';
import { limit, notEmpty, parserOption, place, withCommonOptions, withIndexOptions } from './options.ts';
import { flushOutput, OutputClosed } from './output.ts';

const EXAMPLES = `
Examples:
  tidemark index                          index the current directory
  tidemark search "where are users authenticated"
  tidemark search --like src/server.ts:120
  tidemark search --kind code --path 'src/**' "retry with backoff" ~/project
`;

/** Runs the command line; returns the exit code. Commands are loaded when they are called, to start fast. */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = EXIT.complete;
  const finish = (result: number) => {
    code = result;
  };
  try {
    await buildProgram(finish)
      .parseAsync([...args], { from: 'user' })
      .catch((error: unknown) => {
        // Help and version end that way too; commander has printed its line.
        if (!(error instanceof CommanderError)) throw error;
        finish(error.exitCode === 0 ? EXIT.complete : EXIT.usage);
      });
    await flushOutput();
    return code;
  } catch (error) {
    return firstOf(error) instanceof OutputClosed ? code : report(error);
  }
}

function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('tidemark')
    .description('Semantic code search whose memory never rises above the mark you set')
    .version(TIDEMARK_VERSION)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({ outputError: (text) => complain(text.replace(/^error: /, '')) });
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).copyInheritedSettings(program);

  withIndexOptions(command('index', 'build or update the index of DIR')).action(
    async (dir: string, options) => {
      const { indexCommand } = await import('./index-command.ts');
      finish(await indexCommand(dir, options));
    },
  );
  withIndexOptions(command('watch', 'keep the index of DIR current, until Ctrl-C')).action(
    async (dir: string, options) => {
      const { watchCommand } = await import('./watch-command.ts');
      finish(await watchCommand(dir, options));
    },
  );
  withCommonOptions(
    command('search', 'search the index of DIR').argument(
      '[query]',
      'words, a name, a path or a question; "in quotes" what has to be there as it is',
      notEmpty,
    ),
  )
    .configureOutput({ outputError: (text) => complain(aboutQuery(text.replace(/^error: /, ''))) })
    .option('--limit <n>', 'hits at most', limit, 10)
    .option('--path <glob>', "only paths that match, relative to DIR: 'src/**', '**/*.ts'")
    .option('--language <name>', 'only this language: typescript, py, c++')
    .addOption(new Option('--kind <kind>', 'only code, or only prose').choices(['code', 'docs']))
    .addOption(
      new Option('--mode <mode>', 'by words (lexical), by meaning (semantic), or both')
        .choices(['hybrid', 'lexical', 'semantic'])
        .default('hybrid'),
    )
    .option('--files', 'only the paths of the files, one a line')
    .option('--like <place>', 'no query: what is like the code at PATH:LINE', place)
    .action(async (query: string | undefined, dir: string, options) => {
      const { searchCommand } = await import('./search-command.ts');
      finish(await searchCommand(query, dir, options));
    });
  withCommonOptions(command('files', 'list the indexed files, one a line'))
    .option('--skipped', 'list the files that were read and left out, and why')
    .action(async (dir: string, options) => {
      const { filesCommand } = await import('./list-commands.ts');
      finish(await filesCommand(dir, options));
    });
  command('chunks', 'show how a file is cut into chunks; needs no index')
    .argument('<file>', 'any file of text', notEmpty)
    .option('--language <name>', 'take it for this language (default: by its name and first bytes)')
    .addOption(parserOption())
    .option('--json', 'one JSON object a line')
    .action(async (file: string, options) => {
      const { chunksCommand } = await import('./list-commands.ts');
      finish(await chunksCommand(file, options));
    });
  withCommonOptions(command('status', 'show what the index of DIR holds'))
    .option(
      '--verify',
      'read all of it and compare: chunks with files, content with hashes, vectors with chunks',
    )
    .option('--repair', 'verify, and mend what does not fit together')
    .action(async (dir: string, options) => {
      const { statusCommand } = await import('./status-command.ts');
      finish(await statusCommand(dir, options));
    });
  withCommonOptions(command('clean', 'remove the index of DIR')).action(async (dir: string, options) => {
    const { cleanCommand } = await import('./list-commands.ts');
    finish(await cleanCommand(dir, options));
  });
  command('doctor', 'show what works on this machine: devices, memory, model, languages')
    .option('--json', 'machine-readable output on stdout')
    .action(async (options) => {
      const { doctorCommand } = await import('./doctor-command.ts');
      finish(await doctorCommand(options));
    });
  return program;
}

/** Says what to do where a query was taken for something else. */
function aboutQuery(message: string): string {
  const text = message.trim();
  if (text.startsWith('too many arguments')) return `${text} Put the query in quotes.`;
  if (text.startsWith('unknown option')) return `${text}; put -- before a query that begins with -`;
  return text;
}
