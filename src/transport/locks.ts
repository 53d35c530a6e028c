/** A server's lock as others see it: who has it, what runs under it, and taking it from a holder who does not let go. */
import { isUnknown, type Holder, type Locks, type LockSeen, type Unknown } from '../core/port.ts';
import { causeFirst, tellingOf } from '../core/said.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import type { Answer } from './channel.ts';
import type { TransportEnv } from './env.ts';
import { parseHolder } from './hold.ts';
import { openServers, type Server } from './server.ts';
import { holdText } from './texts.ts';
import { unknown } from './unknown.ts';

/** Breaking waits for the holder's process, and for what it kills. */
const breakMs = 60_000;

/** Of an answer: a line for each operation that runs. */
const mostBytes = 1024 * 1024;

/** A command line as /proc has it: without the bound that `op` puts before it. */
const commandOf = (text: string): string => text.trim().replace(/^timeout -k 5 \d+ /, '');

const operationsIn = (lines: readonly string[]): LockSeen['operations'] =>
  lines.flatMap((line) => {
    const [, id, state, command = ''] = /^OP (\S+) (\S+) (.*)$/.exec(line) ?? [];
    return id === undefined ? [] : [{ id, stuck: state === 'D', command: commandOf(command) }];
  });

const strange = (server: Server, answer: Answer): Unknown => {
  const said = causeFirst(tellingOf(answer.err, answer.out.toString('utf8')));
  return unknown('unparsable', `${server.label}: nobody can tell who holds it: ${said || 'it said nothing'}`);
};

const ask = async (
  server: Server,
  env: TransportEnv,
  who: Pick<Holder, 'epoch'>,
  more: readonly string[],
): Promise<Answer | Unknown> =>
  server.run({
    what: 'hold',
    text: holdText,
    args: [env.dir ?? '/run/reeve', who.epoch, '1', JSON.stringify(who), ...more],
    until: env.now() + breakMs,
    limits: { silentMs: breakMs, most: mostBytes },
  });

const lookAt = async (server: Server, env: TransportEnv): Promise<LockSeen | Unknown> => {
  const answer = await ask(server, env, { epoch: '-' }, ['look']);
  if (isUnknown(answer)) return answer;
  const [word, owner = '', ...lines] = answer.out.toString('utf8').split('\n');
  if (word !== 'HELD' && word !== 'FREE') return strange(server, answer);
  return { held: word === 'HELD', by: parseHolder(owner), operations: operationsIn(lines) };
};

const breakLock = async (
  server: Server,
  env: TransportEnv,
  who: Holder,
  ends: readonly string[],
): Promise<LockSeen['operations'] | { readonly is: 'busy'; readonly by: Holder | null } | Unknown> => {
  const answer = await ask(server, env, who, ['break', ...ends]);
  if (isUnknown(answer)) return answer;
  const text = answer.out.toString('utf8');
  const lines = text.split('\n');
  if (lines[0] === 'HELD') return { is: 'busy', by: parseHolder(lines.slice(1).join('\n')) };
  if (text.startsWith('FAILED '))
    return unknown('permission', `${server.label}: the lock cannot be broken: ${text.slice('FAILED '.length).trim()}`);
  return lines.includes('OK') ? operationsIn(lines) : strange(server, answer);
};

/** Connects to nothing yet. */
export const openLocks = (specs: readonly ServerSpec[], env: TransportEnv): Locks => {
  const servers = openServers(specs, env);
  return Object.freeze({
    look: (name) => lookAt(servers.get(name), env),
    breakLock: (name, who, ends) => breakLock(servers.get(name), env, who, ends),
    close: () => servers.close(),
  } satisfies Locks);
};
