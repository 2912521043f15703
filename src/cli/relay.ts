import { spawn } from 'node:child_process';
import { RELAY_VARIABLE } from '../memory/process-tree.ts';
import { complain, EXIT } from './exit-codes.ts';

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const GOES_ON = 'what is done is kept, the same command goes on from here';

/** Runs the script again in a process with more in its environment, and ends as that one does. */
export function relay(command: {
  readonly flags: readonly string[];
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}): void {
  const { flags, script, args, env } = command;
  const child = spawn(process.execPath, [...process.execArgv, ...flags, script, ...args], {
    // The channel carries nothing: its end tells the child that this process is gone.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...env, ...process.env, [RELAY_VARIABLE]: String(process.pid) },
  });
  let asked = false;
  // A terminal sends Ctrl-C to both; what is sent to this process alone is passed on.
  for (const signal of PASSED_ON) {
    process.on(signal, () => {
      asked = true;
      child.kill(signal);
    });
  }
  child.on('error', (error) => {
    complain(`cannot start: ${error.message}`);
    process.exitCode = EXIT.failed;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? EXIT.failed;
    if (signal === null) return;
    // A signal from the terminal may have come before the child could listen to it.
    if (asked || PASSED_ON.some((name) => name === signal)) complain(`stopped; ${GOES_ON}`);
    else
      complain(
        `killed by ${signal}${signal === 'SIGKILL' ? ', perhaps for lack of memory' : ''}; ${GOES_ON}`,
      );
  });
}
