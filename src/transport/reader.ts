/** The port that only reads: it can run a `ReadProgram` and nothing else. */
import { isUnknown, type ReadProgram, type Reader, type Unknown } from '../core/port.ts';
import { causeFirst } from '../core/said.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { deadlinesOf, patient, type TransportEnv } from './env.ts';
import { openServers, type Server } from './server.ts';

const mostBytes = 64 * 1024 * 1024;

/** When a reading that begins now has to be done. */
export const readBy = (env: TransportEnv, until: number | undefined): number =>
  until ?? env.now() + deadlinesOf(env).read;

/** Runs a program once on a server, with a fresh nonce. `until`: a moment of the clock. */
export const readOnce = async <R>(
  server: Server,
  program: ReadProgram<R>,
  env: TransportEnv,
  until: number,
): Promise<R | Unknown> => {
  const nonce = Buffer.from(env.random(8)).toString('hex');
  const answer = await server.run({
    what: 'observe',
    text: program.text,
    args: [nonce, ...program.args],
    until: Math.min(until, env.now() + program.deadlineMs),
    limits: { silentMs: deadlinesOf(env).silence, most: env.mostBytes ?? mostBytes },
    told: (out) => {
      const part = program.decode(out, nonce);
      return isUnknown(part) ? part.why : null;
    },
  });
  if (isUnknown(answer)) return answer;
  const decoded = program.decode(answer.out, nonce);
  if (!isUnknown(decoded)) return decoded;
  // A shell that could not even begin says why on standard error.
  const said = causeFirst(answer.err);
  const why = answer.rc === 0 || said === '' ? decoded.why : `${decoded.why} (it said: ${said})`;
  return { ...decoded, why: `${server.label}: ${why}` };
};

/** Connects to nothing yet; each server's connection opens with its first `read`. */
export const openReader = (specs: readonly ServerSpec[], given: TransportEnv): Reader => {
  const env = patient(given);
  const servers = openServers(specs, env);
  return Object.freeze({
    read: async <R>(name: string, program: ReadProgram<R>, until?: number): Promise<R | Unknown> =>
      readOnce(servers.get(name), program, env, readBy(env, until)),
    close: () => servers.close(),
  });
};
