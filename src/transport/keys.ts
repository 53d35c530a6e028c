/** What a server is offered for logging in: the agent's keys and key files, with each passphrase asked for at most once. */
import ssh2 from 'ssh2';
import type { AuthenticationType, ParsedKey } from 'ssh2';
import { deadlinesOf, type TransportEnv } from './env.ts';
import type { Hop } from './route.ts';
import { largestSetting, readUserFile } from './user-file.ts';

type Offer =
  | { readonly type: 'agent'; readonly username: string; readonly agent: string }
  | { readonly type: 'publickey'; readonly username: string; readonly key: ParsedKey };

export interface Keys {
  /** One offer after the other, as the server refuses them; `tried` collects sentences about all, for the message. */
  offers(hop: Hop, tried: string[]): AsyncGenerator<Offer>;
}

type KeyFile =
  | { readonly is: 'key'; readonly key: ParsedKey }
  | { readonly is: 'encrypted'; readonly bytes: Buffer }
  | { readonly is: 'no'; readonly why: string };

const parse = (bytes: Buffer, passphrase?: string): ParsedKey | Error => {
  const parsed = ssh2.utils.parseKey(bytes, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return new Error('no key in it');
  return key instanceof Error || key.isPrivateKey() ? key : new Error('it is a public key');
};

const readKey = async (file: string): Promise<KeyFile> => {
  const read = await readUserFile(file, largestSetting);
  if (read.is !== 'file') return { is: 'no', why: read.is === 'missing' ? 'does not exist' : read.why };
  const { bytes } = read;
  const key = parse(bytes);
  if (!(key instanceof Error)) return { is: 'key', key };
  return /encrypted/i.test(key.message) ? { is: 'encrypted', bytes } : { is: 'no', why: `is no key: ${key.message}` };
};

/** How many keys the agent has, or why it cannot be asked. */
const agentKeys = (socket: string, waitMs: number): Promise<number | string> =>
  new Promise((resolve) => {
    const late = setTimeout(() => resolve('does not answer'), waitMs);
    ssh2.createAgent(socket).getIdentities((error, keys) => {
      clearTimeout(late);
      resolve(error ? `does not answer (${error.message})` : (keys?.length ?? 0));
    });
  });

const attempts = 3;

export const openKeys = (env: TransportEnv): Keys => {
  const files = new Map<string, Promise<KeyFile>>();
  const unlocked = new Map<string, Promise<ParsedKey | string>>();
  let terminal: Promise<unknown> = Promise.resolve();

  const load = (file: string): Promise<KeyFile> => {
    const found = files.get(file) ?? readKey(file);
    files.set(file, found);
    return found;
  };

  const ask = async (file: string, bytes: Buffer): Promise<ParsedKey | string> => {
    if (env.passphrase !== undefined) {
      const key = parse(bytes, env.passphrase);
      if (!(key instanceof Error)) return key;
    }
    if (env.prompt === undefined)
      return env.passphrase === undefined
        ? 'is encrypted, and there is no terminal to ask for its passphrase'
        : 'is encrypted, and REEVE_SSH_PASSPHRASE does not open it';
    for (let n = 0; n < attempts; n++) {
      const given = await env.prompt(`${n > 0 ? 'Wrong. ' : ''}Passphrase for ${file}: `, true);
      if (given === null || given === '') return 'is encrypted, and no passphrase was given';
      const key = parse(bytes, given);
      if (!(key instanceof Error)) return key;
    }
    return 'is encrypted, and no passphrase given opened it';
  };

  /** One question at a time on the terminal, and one for each file however many servers want it. */
  const unlock = (file: string, bytes: Buffer): Promise<ParsedKey | string> => {
    const found = unlocked.get(file) ?? terminal.then(() => ask(file, bytes));
    if (!unlocked.has(file)) terminal = found.catch(() => null);
    unlocked.set(file, found);
    return found;
  };

  return {
    /** Named keys, then the agent, then keys that a person must unlock; ~/.ssh/id_* only where none is named, as ssh does. */
    async *offers(hop, tried) {
      const { user: username, identities } = hop;
      const encrypted: { readonly file: string; readonly bytes: Buffer }[] = [];
      const plain: Offer[] = [];
      const notes: string[] = [];
      for (const file of identities.files) {
        const read = await load(file);
        if (read.is === 'encrypted') encrypted.push({ file, bytes: read.bytes });
        if (read.is === 'no') {
          if (identities.explicit || read.why !== 'does not exist') tried.push(`${file} ${read.why}`);
          continue;
        }
        if (read.is === 'key') {
          plain.push({ type: 'publickey', username, key: read.key });
          notes.push(`${file} was refused`);
        }
      }
      const offerPlain = function* (): Generator<Offer> {
        for (const [n, offer] of plain.entries()) {
          tried.push(notes[n] ?? '');
          yield offer;
        }
      };
      if (identities.explicit) yield* offerPlain();
      if (env.agent === undefined || env.agent === '') tried.push('no agent (SSH_AUTH_SOCK is not set)');
      else {
        const count = await agentKeys(env.agent, deadlinesOf(env).connect);
        if (typeof count === 'string') tried.push(`the agent ${count}`);
        else if (count === 0) tried.push('the agent has no keys');
        else {
          tried.push(`the agent's ${count === 1 ? 'key was' : `${count} keys were`} refused`);
          yield { type: 'agent', username, agent: env.agent };
        }
      }
      if (!identities.explicit) yield* offerPlain();
      for (const { file, bytes } of encrypted) {
        const key = await unlock(file, bytes);
        tried.push(typeof key === 'string' ? `${file} ${key}` : `${file} was refused`);
        if (typeof key !== 'string') yield { type: 'publickey', username, key };
      }
      if (!identities.explicit && plain.length + encrypted.length === 0) tried.push('no key file in ~/.ssh');
    },
  };
};

/** Whether the server takes keys at all, given what it said it would still take. */
export const takesKeys = (left: readonly AuthenticationType[] | null): boolean =>
  left === null || left.includes('publickey');
