/** A real SSH client for the simulated farm: connects, asks, holds. */
import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';
import type { Client, ClientChannel } from 'ssh2';
import { afterEach } from 'vitest';
import { startSimFarm, type SimFarm, type SimFarmSpec, type What } from '../../../src/sim/index.ts';
import { server } from './farm.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** The farm knows texts by digest alone, so that any will do here. */
const textOf = (what: What): string => `# it's ${what}`;
const texts = {
  observe: sha256(textOf('observe')),
  hold: sha256(textOf('hold')),
  op: sha256(textOf('op')),
  wait: sha256(textOf('wait')),
  write: sha256(textOf('write')),
  console: sha256('# console'),
};

const open: { farm?: SimFarm; readonly clients: Client[] } = { clients: [] };
afterEach(async () => {
  for (const client of open.clients.splice(0)) client.destroy();
  await open.farm?.close();
  delete open.farm;
});

export const start = async (
  names: readonly string[] = ['dom01'],
  speed = Infinity,
  exports: SimFarmSpec['exports'] = [],
  on: Partial<typeof server> = {},
): Promise<SimFarm> => {
  const servers = names.map((name) => ({ ...server, ...on, name }));
  const farm = await startSimFarm({ servers, texts, speed, exports, seed: '1' });
  open.farm = farm;
  return farm;
};

export const connect = (
  farm: SimFarm,
  changes: { username?: string; privateKey?: string } = {},
  at = 0,
): Promise<Client> =>
  new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    open.clients.push(client);
    client.on('ready', () => resolve(client)).on('error', reject);
    client.connect({
      host: '127.0.0.1',
      port: farm.servers[at]?.port ?? 0,
      username: 'root',
      privateKey: farm.clientKey,
      hostVerifier: (key: Buffer) =>
        farm.servers[at]?.hostKeyLine === `[127.0.0.1]:${farm.servers[at]?.port} ssh-ed25519 ${key.toString('base64')}`,
      ...changes,
    });
  });

const quote = (s: string): string => `'${s.replaceAll("'", String.raw`'\''`)}'`;
const command = (what: What, args: readonly string[], sudo = ''): string =>
  `exec ${sudo}sh -c ${quote(textOf(what))} reeve-${what} ${args.map(quote).join(' ')}`;

export interface Answer {
  readonly rc: number | null;
  readonly out: string;
  readonly err: string;
}

interface Exec {
  readonly channel: ClientChannel;
  readonly answer: Promise<Answer>;
  /** Waits until this much was said. */
  readonly said: (text: string) => Promise<void>;
}

/** The listeners must be there when the channel is: a quick answer comes in the same packet. */
export const exec = (client: Client, line: string): Promise<Exec> =>
  new Promise((resolve, reject) => {
    client.exec(line, (error, channel) => {
      if (error) return reject(error);
      let out = '';
      let err = '';
      let rc: number | null = null;
      let stir = (): void => {};
      channel.on('data', (d: Buffer) => {
        out += d.toString('latin1');
        stir();
      });
      channel.stderr.on('data', (d: Buffer) => (err += d.toString()));
      channel.on('exit', (code: number | null) => (rc = code));
      return resolve({
        channel,
        answer: new Promise<Answer>((done) => channel.on('close', () => done({ rc, out, err }))),
        said: (text) =>
          new Promise((done) => {
            stir = () => {
              if (out.endsWith(text)) done();
            };
            stir();
          }),
      });
    });
  });

export const ask = async (
  client: Client,
  what: What,
  args: readonly string[],
  input = '',
  sudo = '',
): Promise<Answer> => {
  const { channel, answer } = await exec(client, command(what, args, sudo));
  channel.end(input);
  return answer;
};

export const dir = '/run/reeve';

/** A hold that is kept until its input ends; it waits until the lock is there, or until it must wait for it. */
export const hold = async (
  client: Client,
  epoch: string,
  silence = '30',
  ...again: readonly string[]
): Promise<Exec> => {
  const held = await exec(client, command('hold', [dir, epoch, silence, `{"who":"${epoch}"}`, ...again]));
  await held.said('\n');
  return held;
};

export const letGo = async (held: Exec): Promise<Answer> => {
  held.channel.end();
  return held.answer;
};
