/** Which way a server is reached: its own host and the jump hosts before it, from the spec, ~/.ssh/config and the defaults. */
import { join } from 'node:path';
import type { ServerSpec } from '../kinds/server/spec.ts';
import type { TransportEnv } from './env.ts';
import { expandHome, settingsOf } from './sshconfig.ts';

/** One SSH server on the way. */
export interface Hop {
  /** For a person: `dom01 (xen.lan)`, `jump host bastion of dom01`. */
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The name that known_hosts is asked for. */
  readonly keyName: string;
  /** The first is where a new key would be added. */
  readonly knownHosts: readonly string[];
  /** Absolute paths; `explicit` where somebody named them. */
  readonly identities: { readonly explicit: boolean; readonly files: readonly string[] };
}

interface Asked {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/** `[user@]host[:port]`, `ssh://…`, `[v6]:port`; null where it is none. */
const parseHop = (text: string): Asked | null => {
  const m = /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:@/]+))(?::(\d+))?\/?$/.exec(text.trim());
  const host = m?.[2] ?? m?.[3];
  if (m === null || host === undefined) return null;
  return { host, user: m[1], port: m[4] === undefined ? undefined : Number(m[4]) };
};

const longest = 8;
const defaultKeys = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
const globalKnownHosts = '/etc/ssh/ssh_known_hosts';

/** The hops in the order in which they are dialled; the last is the server. A text: why there is no way. */
export const routeTo = async (spec: ServerSpec, env: TransportEnv): Promise<readonly [Hop, ...Hop[]] | string> => {
  const name = `${spec.name} (${spec.address})`;
  const own = { files: [spec.ssh.identityFile ?? []].flat(), known: [spec.ssh.knownHosts ?? []].flat() };

  const hop = async (
    asked: Asked,
    label: string,
    last: boolean,
  ): Promise<{ hop: Hop; jump: string | undefined } | string> => {
    const set = await settingsOf(asked.host, env.home, env.user);
    if (typeof set === 'string') return `~/.ssh/config cannot be understood: ${set}`;
    const jump = (last ? spec.ssh.jump : undefined) ?? set.jump;
    if (jump === undefined && set.proxyCommand !== undefined)
      return `~/.ssh/config gives ${asked.host} a ProxyCommand, which Reeve does not run; give it a ProxyJump`;
    const named = last ? [own.files, set.identityFiles] : [set.identityFiles, own.files];
    const files = named.find((some) => some.length > 0)?.map((f) => expandHome(f, env.home));
    const known = set.knownHosts.length > 0 ? set.knownHosts : [join(env.home, '.ssh', 'known_hosts')];
    return {
      jump: jump === 'none' ? undefined : jump,
      hop: {
        label,
        host: set.hostName ?? asked.host,
        port: asked.port ?? set.port ?? 22,
        user: asked.user ?? set.user ?? (last ? 'root' : env.user),
        keyName: set.alias ?? set.hostName ?? asked.host,
        knownHosts: [
          ...own.known.map((f) => expandHome(f, env.home)),
          ...(last && own.known.length > 0 ? [] : [...known, globalKnownHosts]),
        ],
        identities: {
          explicit: files !== undefined,
          files: files ?? defaultKeys.map((key) => join(env.home, '.ssh', key)),
        },
      },
    };
  };

  const end = await hop({ host: spec.address, user: spec.ssh.user, port: spec.ssh.port }, name, true);
  if (typeof end === 'string') return end;
  const before: Hop[] = [];
  let jump = end.jump;
  while (jump !== undefined) {
    const texts = jump.split(',');
    jump = undefined;
    for (const [back, text] of texts.toReversed().entries()) {
      const asked = parseHop(text);
      if (asked === null) return `${JSON.stringify(text)} is not a jump host; write user@host:port`;
      if (before.length >= longest) return `more than ${longest} jump hosts: do they name each other in ~/.ssh/config?`;
      const one = await hop(asked, `jump host ${asked.host} of ${spec.name}`, false);
      if (typeof one === 'string') return one;
      before.unshift(one.hop);
      if (back === texts.length - 1) jump = one.jump;
    }
  }
  const [first, ...rest] = [...before, end.hop];
  return [first ?? end.hop, ...rest];
};
