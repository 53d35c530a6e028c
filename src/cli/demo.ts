/** `reeve demo`: a simulated farm in this process, and the real commands run on it one after the other. */
import { colors, wrap } from '../report/text.ts';
import { startDemoFarm, type DemoFarm } from './demo-farm.ts';
import { exit, type ExitCode } from './exit.ts';
import type { CommonFlags } from './options.ts';
import { lookOf, type Shell } from './shell.ts';

/** Fast enough not to bore, slow enough to see how an apply goes. */
const speed = 2;

const atFirst = `  web-1: { profile: small, server: dom01, disks: { xvda: { path: /dev/vg0/web-1 } } }
  web-2: { profile: small, server: dom02, disks: { xvda: { path: /dev/vg0/web-2 } } }
  db-1:
    profile: small
    server: dom03
    memory: { target: 1GiB }
    disks: { xvda: { path: /dev/vg0/db-1 }, xvdb: { path: /dev/vg0/db-1-data } }
  mail: { profile: small, disks: { xvda: { repository: vmstore, size: 10GiB } } }
`;

const later = atFirst
  .replace('web-1: { profile: small,', 'web-1: { profile: small, vcpus: { count: 2 }, networks: [dmz],')
  .replace('memory: { target: 1GiB }', 'memory: { target: 3GiB, max: 4GiB }');

type Step =
  | { readonly say: string }
  | { readonly reeve: readonly string[]; readonly code: ExitCode }
  | { readonly hand: readonly (readonly [server: string, command: string])[] }
  | { readonly file: string; readonly states?: Readonly<Record<string, string>> };

const steps: readonly Step[] = [
  {
    say: 'Three simulated dom0s behind real SSH servers in this process, and a farm.yaml that wants four VMs on them.',
  },
  { say: '1. What would be done, and what does it cost? `plan` only reads.' },
  { reeve: ['plan'], code: exit.done },
  { say: '2. Do it.' },
  { reeve: ['apply', '--yes'], code: exit.done },
  { say: '3. A satisfied farm is one line.' },
  { reeve: ['plan'], code: exit.done },
  { say: '4. At night somebody works on the dom0s by hand:' },
  {
    hand: [
      ['dom01', 'xl mem-set web-1 1024m'],
      ['dom03', 'xl block-detach db-1 xvdb'],
      ['dom02', 'xl destroy web-2'],
    ],
  },
  { say: '5. The nightly job sees it (exit code 2), and the plan puts it right; here with the commands behind it.' },
  { reeve: ['drift'], code: exit.pending },
  { reeve: ['plan', '--commands'], code: exit.done },
  { reeve: ['apply', '--yes'], code: exit.done },
  {
    say: '6. Now the file changes: web-1 gets a vCPU and moves to the dmz, which it does not feel; db-1 gets more memory than its maximum, which only a restart can give. That is over its budget, so it waits.',
  },
  { file: later },
  { reeve: ['plan'], code: exit.done },
  { say: '7. With leave for db-1 alone, it is restarted.' },
  { reeve: ['apply', '--yes', '--allow', 'restart=db-1'], code: exit.done },
  {
    say: '8. The server of mail needs care. Its disk lies on a store that all servers see, so it moves while it runs; web-1 has a local disk, and that is said.',
  },
  { file: later, states: { dom01: 'maintenance' } },
  { reeve: ['apply', '--yes'], code: exit.refused },
  { say: '9. Why is it where it is, and what would it cost to change it?' },
  { reeve: ['explain', 'mail'], code: exit.done },
];

type Run = (argv: readonly string[], shell: Shell) => Promise<number>;

/** Null where it went as it should, else what did not. */
const take = async (step: Step, farm: DemoFarm, shell: Shell, run: Run, flags: CommonFlags): Promise<string | null> => {
  const { color, width } = lookOf(shell, shell.out, flags.color);
  const paint = colors(color);
  const write = (text: string): void => shell.out.write(`${text}\n`);
  if ('say' in step) {
    write(
      `\n${wrap(step.say, Math.min(width, 100))
        .map((line) => paint.bold(line))
        .join('\n')}`,
    );
    return null;
  }
  if ('file' in step) {
    await farm.describe(step.file, step.states);
    return null;
  }
  if ('hand' in step) {
    for (const [server, command] of step.hand) {
      write(`${paint.dim(`${server}#`)} ${paint.cyan(command)}`);
      const { rc, err } = await farm.sim.hand(server, command.split(' '));
      if (rc !== 0) return `${command} failed on ${server}: ${err}`;
    }
    return null;
  }
  const [command = '', ...options] = step.reeve;
  write(`\n${paint.dim('$')} ${paint.cyan(`reeve ${step.reeve.join(' ')}`)}`);
  const code = await run([command, ...options, ...(flags.color ? [] : ['--no-color']), farm.path], shell);
  return code === step.code ? null : `reeve ${command} ended with exit code ${code} where ${step.code} was expected`;
};

/** `run` is the command line itself: what the demo shows is what a person would get. */
export const demo = async (shell: Shell, flags: CommonFlags, run: Run): Promise<ExitCode> => {
  const farm = await startDemoFarm(speed, 'demo', true);
  // Nothing of this machine's SSH settings plays a part.
  const apart: Shell = { ...shell, home: farm.folder, env: { ...shell.env, SSH_AUTH_SOCK: undefined }, ask: undefined };
  try {
    await farm.describe(atFirst);
    for (const step of steps) {
      const wrong = await take(step, farm, apart, run, flags);
      if (wrong !== null) {
        shell.err.write(`reeve: the demo did not go as it should: ${wrong}\n`);
        return exit.error;
      }
    }
    return exit.done;
  } finally {
    await farm.close();
  }
};
