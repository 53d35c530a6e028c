/** The machine that Reeve runs on, before a simulated farm: a home with a key and known_hosts, and how each server is reached. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerSpec } from '../../src/kinds/server/spec.ts';
import type { SimFarm } from '../../src/sim/index.ts';
import type { TransportEnv } from '../../src/transport/index.ts';

export interface Desk {
  readonly servers: readonly ServerSpec[];
  readonly env: TransportEnv;
  /** Takes the home away. */
  clear(): void;
}

export const openDesk = (sim: Pick<SimFarm, 'servers' | 'clientKey'>, pool: string): Desk => {
  const home = mkdtempSync(join(tmpdir(), 'reeve-desk-'));
  const file = (name: string, text: string): string => {
    const path = join(home, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const identityFile = file('key', sim.clientKey);
  const knownHosts = file('known_hosts', sim.servers.map((s) => `${s.hostKeyLine}\n`).join(''));
  return {
    servers: sim.servers.map((s) => ({
      name: s.name,
      pool,
      address: s.host,
      ssh: {
        user: 'root',
        port: s.port,
        identityFile,
        knownHosts,
        jump: undefined,
        sudo: undefined,
        connectTimeout: undefined,
      },
      migration: undefined,
      state: 'active',
      roles: ['utility', 'vm'],
      fence: undefined,
      origin: { file: 'farm.yaml', pointer: `/servers/${s.name}` },
    })),
    env: {
      home,
      user: 'root',
      agent: undefined,
      passphrase: undefined,
      prompt: undefined,
      now: () => performance.now(),
      random: (n) => randomBytes(n),
    },
    clear: () => rmSync(home, { recursive: true }),
  };
};
