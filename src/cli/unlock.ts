/** `reeve unlock SERVER`: who holds a server, what runs there for a run, and taking the lock from a run that does not let go. */
import { isUnknown, type Locks, type LockSeen } from '../core/port.ts';
import { programOf } from '../core/program.ts';
import { clean } from '../report/text.ts';
import { openLocks } from '../transport/index.ts';
import { holder } from './carry-out.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load, serverNamed } from './load.ts';
import type { CommonFlags } from './options.ts';
import { transportEnv } from './outside.ts';
import { say, type Shell } from './shell.ts';

export interface UnlockFlags extends CommonFlags {
  readonly yes: boolean;
}

type Running = LockSeen['operations'][number];

/** Cut in the middle, they would leave a domain by halves, or on neither server. They end by themselves, or by their deadline. */
const spared: ReadonlySet<string> = new Set(['xl migrate', 'xl save', 'xl restore', 'xl create']);

const programIn = ({ command }: Running): string => programOf(command.split(' '));

/** `3-web.migrate.0` is the first command of `web.migrate`. */
const nameOf = ({ id }: Running): string => id.replace(/^\d+-/, '').replace(/\.\d+$/, '');

/** Null: it may be killed. */
const whyNot = (o: Running): string | null => {
  if (spared.has(programIn(o))) return 'is not killed: half of a VM would be left; it ends by itself';
  return o.stuck ? 'cannot be killed: it sleeps in the kernel (a dead NFS server, a disk that does not answer?)' : null;
};

const heldText = (server: string, { held, by }: LockSeen): string => {
  if (!held) return `${server} is not held by any run.`;
  return by
    ? `${server} is held by ${by.who}, since ${by.since}, from ${by.from}.`
    : `${server} is held by another run.`;
};

const show = (shell: Shell, server: string, seen: LockSeen): void => {
  say(shell.out, heldText(server, seen));
  if (seen.operations.length > 0) say(shell.out, 'What a run began still runs there:');
  for (const o of seen.operations)
    say(shell.out, `  ${nameOf(o)}: ${programIn(o) || 'a command'} ${whyNot(o) ?? 'would be killed'}`);
};

const confirmed = async (shell: Shell, server: string, yes: boolean): Promise<void> => {
  if (yes) return;
  if (!shell.ask)
    throw new ExitError(
      exit.error,
      'nothing was changed: there is no terminal to ask at',
      'add --yes to unlock without being asked',
      'not-confirmed',
    );
  const answer = await shell.ask(`\nBreak the lock of ${clean(server)}? [y/N] `, false);
  if (answer === null) throw new ExitError(exit.cancelled, 'nothing was changed', undefined, 'not-confirmed');
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new ExitError(exit.error, 'nothing was changed', undefined, 'not-confirmed');
};

const unlocked = async (shell: Shell, server: string, yes: boolean, locks: Locks): Promise<ExitCode> => {
  const seen = await locks.look(server);
  if (isUnknown(seen)) throw new ExitError(exit.unread, seen.why, seen.help, seen.reason);
  show(shell, server, seen);
  const ends = seen.operations.filter((o) => whyNot(o) === null);
  if (!seen.held && seen.operations.length === 0) {
    say(shell.out, 'Nothing that a run began still runs there: there is nothing to unlock.');
    return exit.done;
  }
  if (!seen.held && ends.length === 0)
    throw new ExitError(
      exit.error,
      'nothing was changed: there is no lock to break, and nothing that may be killed',
      'wait for what runs there; the next run waits for it, too',
      'nothing-to-unlock',
    );
  await confirmed(shell, server, yes);
  const left = await locks.breakLock(
    server,
    holder(shell),
    ends.map((o) => o.id),
  );
  if ('is' in left) {
    if (isUnknown(left)) throw new ExitError(exit.error, left.why, left.help, left.reason);
    throw new ExitError(
      exit.error,
      `${server}: the process that holds the lock does not end`,
      `look for reeve-hold with ps on ${server}`,
      'lock-kept',
    );
  }
  say(shell.out, `${server} is unlocked: the run that held it can do nothing more there.`);
  for (const o of left)
    say(shell.out, `  ${nameOf(o)}: ${programIn(o) || 'a command'} still runs; the next run waits for it`);
  return left.length === 0 ? exit.done : exit.partly;
};

/** Exit code 7 where something still runs there, 4 where the server does not answer. */
export const unlock = async (
  shell: Shell,
  name: string,
  paths: readonly string[],
  flags: UnlockFlags,
): Promise<ExitCode> => {
  const farm = await load(shell, paths, flags);
  const server = serverNamed(
    farm.pools.flatMap((p) => p.servers),
    name,
  );
  const locks = openLocks([server], transportEnv(shell));
  try {
    return await unlocked(shell, name, flags.yes, locks);
  } finally {
    await locks.close();
  }
};
