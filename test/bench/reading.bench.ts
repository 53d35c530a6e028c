/** How long reading a farm takes, as a ratio to a bare ssh2 client that runs the same program on the same servers. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import ssh2 from 'ssh2';
import { it } from 'vitest';
import { isUnknown } from '../../src/core/port.ts';
import type { SimFarm } from '../../src/sim/index.ts';
import { xl } from '../../src/toolstacks/xl/index.ts';
import { openReader } from '../../src/transport/index.ts';
import { commandLine } from '../../src/transport/quote.ts';
import { openDesk } from '../contract/desk.ts';
import { texts } from '../contract/rig.ts';

type Served = Pick<SimFarm, 'servers' | 'clientKey'>;

const vmsPerServer = 17;
const servers = ['dom01', 'dom02', 'dom03'].map((name) => ({
  name,
  memoryMiB: 16_384,
  dom0MiB: 1024,
  cpus: 8,
  bridges: ['xenbr0'],
  paths: ['/srv/vmlinuz'],
}));

/** Connect, run, collect, disconnect: nothing is checked, nothing is decoded. */
const bare = (s: Served['servers'][number], key: string, command: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    client
      .on('ready', () => {
        client.exec(command, (error, stream) => {
          if (error) return reject(error);
          let bytes = 0;
          stream
            .on('data', (chunk: Buffer) => (bytes += chunk.length))
            .on('close', () => {
              client.end();
              resolve(bytes);
            });
          stream.stderr.resume();
          stream.end();
          return undefined;
        });
      })
      .on('error', reject)
      .connect({ host: s.host, port: s.port, username: 'root', privateKey: key });
  });

const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? NaN;

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};

/** `speed` 1: each dom0 takes 150 ms to read itself, as a quick real one does; undefined: no time at all. */
const measure = async (speed: number | undefined): Promise<Record<string, Record<string, number | string>>> => {
  const child = spawn(
    process.execPath,
    ['test/bench/sim-process.mjs', JSON.stringify({ servers, texts, seed: 'bench', vmsPerServer, speed })],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const served = JSON.parse(
    await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve)),
  ) as Served;
  const desk = openDesk(served, 'p');
  const { servers: specs, env } = desk;
  const program = xl.reading('all', ['/srv/vmlinuz']);
  const command = commandLine('observe', program.text, ['0123456789abcdef', ...program.args], false);

  let domains = 0;
  const withReeve = async (): Promise<void> => {
    const reader = openReader(specs, env);
    const seen = await Promise.all(specs.map((s) => reader.read(s.name, program)));
    await reader.close();
    domains = seen.reduce((n, s) => {
      if (isUnknown(s)) throw new Error(s.why);
      return n + s.domains.length;
    }, 0);
  };
  const withSsh2 = (): Promise<unknown> => Promise.all(served.servers.map((s) => bare(s, served.clientKey, command)));

  const runs = 30;
  const mine: number[] = [];
  const theirs: number[] = [];
  for (let i = -3; i < runs; i++) {
    const a = await timed(withSsh2);
    const b = await timed(withReeve);
    if (i < 0) continue;
    theirs.push(a);
    mine.push(b);
  }
  const ratios = mine.map((m, i) => m / (theirs[i] ?? NaN));
  child.stdin.end();
  desk.clear();
  const row = (ms: number, ratio: number): Record<string, number | string> => ({
    'a dom0 takes': speed === undefined ? '0 ms' : '150 ms',
    servers: servers.length,
    VMs: domains,
    'median ms': Math.round(ms),
    ratio: Number(ratio.toFixed(2)),
  });
  const label = speed === undefined ? 'instant' : 'real';
  return { [`${label}: bare ssh2`]: row(median(theirs), 1), [`${label}: reeve`]: row(median(mine), median(ratios)) };
};

it('reading', async () => {
  console.table({ ...(await measure(1)), ...(await measure(undefined)) });
});
