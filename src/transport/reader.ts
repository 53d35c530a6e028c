/** The port that only reads: it can run a `ReadProgram` and nothing else. */
import { isUnknown, type ReadProgram, type Reader, type Unknown } from '../core/port.ts';
import { causeFirst } from '../core/said.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import type { TransportEnv } from './env.ts';
import { openServers, type Server } from './server.ts';

/** Runs a program once on a server, with a fresh nonce. */
export const readOnce = async <R>(server: Server, program: ReadProgram<R>, env: TransportEnv): Promise<R | Unknown> => {
  const nonce = Buffer.from(env.random(8)).toString('hex');
  const answer = await server.run('observe', program.text, [nonce, ...program.args], program.deadlineMs);
  if (isUnknown(answer)) return answer;
  const decoded = program.decode(answer.out, nonce);
  if (!isUnknown(decoded)) return decoded;
  // A shell that could not even begin says why on standard error.
  const said = causeFirst(answer.err);
  const why = answer.rc === 0 || said === '' ? decoded.why : `${decoded.why} (it said: ${said})`;
  return { ...decoded, why: `${server.label}: ${why}` };
};

/** Connects to nothing yet; each server's connection opens with its first `read`. */
export const openReader = (specs: readonly ServerSpec[], env: TransportEnv): Reader => {
  const servers = openServers(specs, env);
  return Object.freeze({
    read: async <R>(name: string, program: ReadProgram<R>): Promise<R | Unknown> =>
      readOnce(servers.get(name), program, env),
    close: () => servers.close(),
  });
};
