/** The port for `apply`: reading, and everything that changes a dom0, fenced by the epoch of the lock. */
import PQueue from 'p-queue';
import { digestBytes } from '../core/digest.ts';
import { badPath } from '../core/name.ts';
import { isUnknown, type Control, type ExecResult, type Unknown } from '../core/port.ts';
import { causeFirst, tellingOf } from '../core/said.ts';
import type { FileStep } from '../core/step.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import type { Answer } from './channel.ts';
import { deadlinesOf, patient, type TransportEnv } from './env.ts';
import { type Hold, newHold } from './hold.ts';
import { readBy, readOnce } from './reader.ts';
import { openServers, type Run, type Server } from './server.ts';
import { opText, waitText, writeText } from './texts.ts';
import { lost, unknown } from './unknown.ts';

/** Of the eight commands at a time, two are always left for what does not block. */
const waitsAtOnce = 6;
/** For a text that answers at once, however slow the dom0 is. */
const promptlyMs = 60_000;
/** Bytes: of an answer that is a line, and of what a command printed (1 MiB each of its two streams). */
const mostLine = 64 * 1024;
const mostResult = 3 * 1024 * 1024;
/** For a `wait` whose command this process did not start. */
const longestMs = 24 * 3_600_000;

const safeId = (id: string): void => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(id)) throw new RangeError(`${JSON.stringify(id)} is no operation id`);
};

const strange = (server: Server, what: string, answer: Answer): Unknown => {
  const said = causeFirst(tellingOf(answer.err, answer.out.toString('utf8')));
  return unknown('unparsable', `${server.label}: ${what}: ${said || `no answer (exit code ${answer.rc ?? 'none'})`}`);
};

/** Signs of life (`.`), then `RC rc outbytes errbytes` and the bytes; null where it is cut short. */
const parseResult = (answer: Buffer): ExecResult | 'lost' | 'never' | null => {
  let begin = 0;
  while (answer[begin] === 46 && answer[begin + 1] === 10) begin += 2;
  const out = answer.subarray(begin);
  const end = out.indexOf(10);
  const line = out.subarray(0, Math.max(end, 0)).toString('latin1');
  if (line === 'LOST') return 'lost';
  if (line === 'NEVER') return 'never';
  const m = /^RC (\d+) (\d+) (\d+)$/.exec(line);
  if (m === null) return null;
  const [rc, outBytes, errBytes] = [Number(m[1]), Number(m[2]), Number(m[3])];
  const body = out.subarray(end + 1);
  if (body.length !== outBytes + errBytes) return null;
  return { rc, out: body.subarray(0, outBytes).toString('utf8'), err: body.subarray(outBytes).toString('utf8') };
};

const fileArgs = (step: FileStep): readonly string[] =>
  step.do === 'write' ? ['write', step.path, step.mode.toString(8)] : ['remove', step.path];

/** Digests may give away what they cover, and go where no list of processes shows them. */
const fileInput = (step: FileStep): Uint8Array =>
  step.do === 'write'
    ? Buffer.concat([Buffer.from(`${step.onlyIf} ${digestBytes(step.bytes)}\n`), step.bytes])
    : Buffer.from(`${step.onlyIf}\n`);

/** Connects to nothing yet. Nothing is changed on a server before its `hold` has answered `held`. */
export const openControl = (specs: readonly ServerSpec[], given: TransportEnv): Control => {
  const env = patient(given);
  const servers = openServers(specs, env);
  const deadlines = deadlinesOf(env);
  const dir = env.dir ?? '/run/reeve';
  const holds = new Map<string, Hold>();
  const waits = new Map<string, PQueue>();
  const started = new Map<string, { readonly at: number; readonly deadlineMs: number }>();

  const promptly = (): Pick<Run, 'until' | 'limits'> => ({
    until: env.now() + promptlyMs,
    limits: { silentMs: promptlyMs, most: mostLine },
  });

  const waitsOf = (name: string): PQueue => {
    const found = waits.get(name) ?? new PQueue({ concurrency: waitsAtOnce });
    waits.set(name, found);
    return found;
  };

  /** Sends a text that may be sent twice, with the lock held and its epoch in front. */
  const fencedRun = async <T>(
    name: string,
    send: (server: Server, epoch: string) => Promise<T | 'fenced' | Unknown>,
  ): Promise<T | 'fenced' | Unknown> => {
    const server = servers.get(name);
    const hold = holds.get(name);
    if (hold === undefined) return 'fenced';
    return server.persist(env.now() + deadlines.reconnect, async () => {
      const have = await hold.ensure();
      if (have !== 'held') return have;
      const result = await send(server, hold.who.epoch);
      if (result === 'fenced') hold.fence();
      return result;
    });
  };

  const release = async (): Promise<void> => {
    const all = [...holds.values()];
    holds.clear();
    await Promise.all(all.map((hold) => hold.release()));
  };

  return Object.freeze({
    read: async (name, program, until) => {
      const server = servers.get(name);
      const by = readBy(env, until);
      return server.persist(Math.min(by, env.now() + deadlines.reconnect), () => readOnce(server, program, env, by));
    },

    hold: async (name, who) => {
      if (!/^[A-Za-z0-9._:-]{1,100}$/.test(who.epoch)) throw new RangeError(`${JSON.stringify(who.epoch)} is no epoch`);
      const server = servers.get(name);
      const before = holds.get(name);
      if (before?.who.epoch === who.epoch) {
        const again = await server.persist(env.now() + deadlines.reconnect, () => before.ensure());
        if (again === 'fenced') return { is: 'busy', by: before.by() };
        return again === 'held' ? { is: 'held' } : again;
      }
      await before?.release();
      holds.delete(name);
      const hold = newHold(server, env, who);
      const taken = await hold.take();
      if (taken.is === 'held') holds.set(name, hold);
      return taken;
    },

    start: async (name, id, step) => {
      safeId(id);
      const result = await fencedRun(name, async (server, epoch) => {
        const seconds = Math.max(1, Math.ceil(step.deadlineMs / 1000));
        const args = [dir, epoch, id, String(seconds), ...step.argv];
        const answer = await server.run({ what: 'op', text: opText, args, ...promptly() });
        if (isUnknown(answer)) return answer;
        switch (answer.out.toString('latin1')) {
          case 'STARTED\n':
            return 'started';
          case 'ALREADY\n':
            return 'already';
          case 'FENCED\n':
            return 'fenced';
          default:
            return strange(server, `${step.argv[0] ?? 'a command'} could not be started`, answer);
        }
      });
      if (result === 'started' || result === 'already')
        started.set(`${name}/${id}`, { at: env.now(), deadlineMs: step.deadlineMs });
      return result;
    },

    wait: async (name, id) => {
      safeId(id);
      const server = servers.get(name);
      const known = started.get(`${name}/${id}`);
      const until = known === undefined ? env.now() + longestMs : known.at + known.deadlineMs + deadlines.margin;
      const result = await waitsOf(name).add(() =>
        server.persist(until, async () => {
          const limits = { silentMs: deadlines.silence, most: mostResult };
          const by = Math.max(until, env.now() + promptlyMs);
          const answer = await server.run({ what: 'wait', text: waitText, args: [dir, id], until: by, limits });
          if (isUnknown(answer)) return answer;
          const parsed = parseResult(answer.out);
          if (parsed !== null) return parsed;
          return answer.out.length > 0
            ? lost(server.label, 'before the result was complete')
            : strange(server, 'the result could not be read', answer);
        }),
      );
      // It was started: the folder is gone because the server was booted, or because another run has cleaned up.
      return result === 'never' && known !== undefined ? 'lost' : result;
    },

    file: async (name, step) => {
      const bad = badPath(step.path);
      if (bad !== null) return { is: 'failed', why: `${step.path}: ${bad}` };
      return fencedRun(name, async (server, epoch) => {
        const args = [dir, epoch, ...fileArgs(step)];
        const input = fileInput(step);
        const answer = await server.run({ what: 'write', text: writeText, args, input, ...promptly() });
        if (isUnknown(answer)) return answer;
        const line = answer.out.toString('utf8').trim();
        if (line === 'DONE') return 'done';
        if (line === 'DIFFERS') return 'differs';
        if (line === 'FENCED') return 'fenced';
        if (!line.startsWith('FAILED ')) return strange(server, `${step.path} could not be written`, answer);
        return { is: 'failed', why: `${server.label}: ${line.slice('FAILED '.length)}` } as const;
      });
    },

    release,
    close: async () => {
      await release();
      await servers.close();
    },
  } satisfies Control);
};
