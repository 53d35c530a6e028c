/** SSH between dom0s: keys that nobody could use elsewhere, and whether one dom0's `ssh` gets into another. */
import { Buffer } from 'node:buffer';
import type { Files } from './files.ts';
import { shellWords } from './command-line.ts';
import { failed, fine, type Program } from './process.ts';
import type { Random } from './random.ts';
import type { Peer } from './peers.ts';
import type { World } from './world.ts';

const hostKeyPath = '/etc/ssh/ssh_host_ed25519_key.pub';

/** A public key in its own format, whose bytes are nobody's. */
export const fakeKey = (random: Random): string => {
  const name = Buffer.from('ssh-ed25519');
  const head = Buffer.concat([Buffer.from([0, 0, 0, name.length]), name, Buffer.from([0, 0, 0, 32])]);
  return Buffer.concat([head, Buffer.from(random.hex(64), 'hex')]).toString('base64');
};

export const putHostKey = (files: Files, host: string, key: string): void =>
  files.put(hostKeyPath, `ssh-ed25519 ${key} root@${host}\n`, 0o644);

/** `ssh-keygen -q -t ed25519 -N '' -C COMMENT -f PATH`: writes PATH and PATH.pub. */
export const sshKeygen: Program = async (world, _process, argv) => {
  const option = (flag: string): string | undefined => {
    const at = argv.indexOf(flag);
    return at < 0 ? undefined : argv[at + 1];
  };
  const path = option('-f');
  if (path === undefined || option('-t') !== 'ed25519' || option('-N') !== '')
    return failed(1, 'ssh-keygen: the simulated one makes ed25519 keys without a passphrase only\n');
  // Nobody is there to say yes.
  if (world.files.exists(path)) return { rc: 1, out: `${path} already exists.\nOverwrite (y/n)? `, err: '' };
  const key = fakeKey(world.random);
  const secret = `-----BEGIN OPENSSH PRIVATE KEY-----\n${world.random.hex(64)}\n-----END OPENSSH PRIVATE KEY-----\n`;
  const why =
    world.files.write(path, secret, 0o600) ??
    world.files.write(`${path}.pub`, `ssh-ed25519 ${key} ${option('-C') ?? `root@${world.server.name}`}\n`, 0o644);
  return why === null ? fine : failed(1, `Saving key "${path}" failed: ${why}\n`);
};

interface Rune {
  readonly program: string;
  readonly identity: string | undefined;
  readonly port: string;
  /** Of `-o NAME=VALUE`, by lower-case name; the first one counts. */
  readonly options: ReadonlyMap<string, string>;
}

const runeOf = (text: string): Rune => {
  const [program = '', ...args] = shellWords(text) ?? [];
  const options = new Map<string, string>();
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i += 1) {
    const [, flag = '', joined = ''] = /^-([iop])(.*)$/.exec(args[i] ?? '') ?? [];
    if (flag === '') continue;
    const value = joined === '' ? (args[(i += 1)] ?? '') : joined;
    const [, name = '', said = ''] = /^(\w+)[= ](.*)$/.exec(value) ?? [];
    if (flag !== 'o') flags.set(flag, value);
    else if (!options.has(name.toLowerCase())) options.set(name.toLowerCase(), said);
  }
  const identity = flags.get('i') ?? options.get('identityfile');
  return { program, identity, port: flags.get('p') ?? options.get('port') ?? '22', options };
};

/** The type and the key of each line of a known_hosts or authorized_keys file that fits; what stands before them may hold blanks. */
const keysIn = (text: string, fits: (before: string) => boolean): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const m = /^(.*?)\bssh-ed25519 (\S+)/.exec(line);
    return m === null || line.startsWith('#') || !fits((m[1] ?? '').trim()) ? [] : [m[2] ?? ''];
  });

const keyIn = (files: Files, path: string): string | undefined => keysIn(files.text(path) ?? '', () => true)[0];

const hostTrouble = (world: World, rune: Rune, host: string, target: World): string | null => {
  const file = rune.options.get('userknownhostsfile');
  const alias = rune.options.get('hostkeyalias') ?? host;
  if (file === undefined && world.trusting) return null;
  const path = file ?? '/root/.ssh/known_hosts';
  const known = keysIn(world.files.text(path) ?? '', (names) => names.split(',').includes(alias));
  const key = keyIn(target.files, hostKeyPath);
  if (key !== undefined && known.includes(key)) return null;
  if (known.length > 0)
    return (
      `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n` +
      `@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n` +
      `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n` +
      `Add correct host key in ${path} to get rid of this message.\n` +
      `Host key for ${alias} has changed and you have requested strict checking.\nHost key verification failed.\n`
    );
  return `No ED25519 host key is known for ${alias} and you have requested strict checking.\nHost key verification failed.\n`;
};

/** What the far end reads of who may log in. */
const lets = (target: World, key: string | undefined): boolean =>
  key !== undefined && keysIn(target.files.text('/root/.ssh/authorized_keys') ?? '', () => true).includes(key);

export interface Route {
  /** What ssh says before anything else; null `peer`: and that is its end. */
  readonly words: string;
  readonly peer: Peer | null;
  /** With which ssh, or the shell, ends where there is no way. */
  readonly code: number;
  /** ms after which ssh gives up on a peer that went silent; null: not before TCP does. */
  readonly patience: number | null;
}

/** Whether `COMMAND HOST …` gets through; undefined: the dom0's plain ssh. */
export const routeTo = (world: World, command: string | undefined, host: string): Route => {
  const rune = runeOf(command ?? 'ssh');
  const interval = Number(rune.options.get('serveraliveinterval') ?? 0);
  const patience = interval === 0 ? null : interval * 1000 * Number(rune.options.get('serveralivecountmax') ?? 3);
  const no = (words: string, code = 255): Route => ({ words, peer: null, code, patience });
  if (rune.program !== 'ssh') return no(`sh: 1: exec: ${rune.program}: not found\n`, 127);
  const peer = world.peers.get(host);
  const at = `ssh: connect to host ${host} port ${rune.port}: `;
  if (peer === undefined && /^[\d.]+$/.test(host)) return no(`${at}No route to host\n`);
  if (peer === undefined) return no(`ssh: Could not resolve hostname ${host}: Name or service not known\n`);
  if (rune.port !== '22' || !peer.answers()) return no(`${at}Connection refused\n`);
  const target = peer.world;
  const { identity } = rune;
  const missing = identity !== undefined && !world.files.exists(identity);
  const warning = missing ? `Warning: Identity file ${identity} not accessible: No such file or directory.\n` : '';
  const unknown = hostTrouble(world, rune, host, target);
  if (unknown !== null) return no(warning + unknown);
  // A key that is not there is as if none were named: ssh takes root's own [L].
  const own = identity === undefined || missing;
  const allowed = own ? world.trusting : lets(target, keyIn(world.files, `${identity}.pub`));
  if (!allowed) return no(`${warning}root@${host}: Permission denied (publickey).\n`);
  return { words: warning, peer, code: 0, patience };
};
