import { Command, CommanderError, Option } from 'commander';
import { EXIT, report } from './exit-codes.ts';
import { positiveInteger, TIDEMARK_VERSION, withCommonOptions } from './options.ts';
import { OutputClosed } from './output.ts';

/** Runs the command line; returns the exit code. Commands are loaded when they are called, to start fast. */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = EXIT.complete;
  const finish = (result: number) => {
    code = result;
  };
  try {
    await buildProgram(finish).parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT.complete;
    // Help and version end that way too; commander has printed its line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.complete : EXIT.usage;
    return report(error);
  }
}

function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('tidemark')
    .description('Semantic code search whose memory never rises above the mark you set')
    .version(TIDEMARK_VERSION)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(
          `tidemark: ${text
            .replace(/^error: /, '')
            .trim()
            .replace(/\n/g, ' ')}\n`,
        ),
    });
  const command = (usage: string, description: string): Command => {
    const made = program.command(usage).description(description);
    return made.copyInheritedSettings(program);
  };

  withCommonOptions(command('index [dir]', 'build or update the index of DIR'))
    .option('--no-embed', 'the lexical lane only')
    .option('--force', 'index a home directory or the root of a file system')
    .option('--verbose', 'name each skipped file')
    .action(async (dir: string | undefined, options) => {
      const { indexCommand } = await import('./index-command.ts');
      finish(await indexCommand(dir ?? '.', options));
    });
  withCommonOptions(command('search <query> [dir]', 'search the index of DIR'))
    .option('--limit <n>', 'hits at most', positiveInteger, 10)
    .option('--path <glob>', "only these paths: 'src/**', '*.ts'")
    .option('--language <name>', 'only this language')
    .addOption(new Option('--kind <kind>', 'only code, or only prose').choices(['code', 'docs']))
    .addOption(
      new Option('--mode <mode>', 'by words, by meaning, or both')
        .choices(['hybrid', 'lexical', 'semantic'])
        .default('hybrid'),
    )
    .action(async (query: string, dir: string | undefined, options) => {
      const { searchCommand } = await import('./search-command.ts');
      finish(await searchCommand(query, dir ?? '.', options));
    });
  withCommonOptions(command('files [dir]', 'the indexed files, one a line'))
    .option('--skipped', 'the files that were left out, and why')
    .action(async (dir: string | undefined, options) => {
      const { filesCommand } = await import('./list-commands.ts');
      finish(await filesCommand(dir ?? '.', options));
    });
  command('chunks <file>', 'how a file is chunked')
    .option('--language <name>', 'instead of what the name and the first bytes say')
    .option('--json', 'machine-readable output')
    .action(async (file: string, options) => {
      const { chunksCommand } = await import('./list-commands.ts');
      finish(await chunksCommand(file, options));
    });
  withCommonOptions(command('status [dir]', 'what the index of DIR holds')).action(
    async (dir: string | undefined, options) => {
      const { statusCommand } = await import('./list-commands.ts');
      finish(await statusCommand(dir ?? '.', options));
    },
  );
  withCommonOptions(command('clean [dir]', 'remove the index of DIR')).action(
    async (dir: string | undefined, options) => {
      const { cleanCommand } = await import('./list-commands.ts');
      finish(await cleanCommand(dir ?? '.', options));
    },
  );
  command('doctor', 'what works on this machine')
    .option('--json', 'machine-readable output')
    .action(async (options) => {
      const { doctorCommand } = await import('./doctor-command.ts');
      finish(await doctorCommand(options));
    });
  return program;
}
