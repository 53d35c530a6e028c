/** Beside Ganeti's hbal and hail: servers drained, and one new VM placed, on a generated cluster. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { it } from 'vitest';
import { movesIn } from '../../src/plan/place/solver/index.ts';
import type { Problem } from '../../src/plan/place/solver/problem.ts';
import {
  benchArgs,
  measureMoves,
  ms,
  printTable,
  printTarget,
  refuseHarm,
  rowOf,
  run,
  type Ran,
  type Row,
} from './figures.ts';
import { fromHtools } from './problems.ts';

const generator = join(import.meta.dirname, '../../../shared/bench/gen_htools.py');
const onPath = (name: string, ...more: readonly string[]): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), ...more].map((f) => join(f, name)).find((f) => existsSync(f));
/** Of Debian's ganeti-htools-3.0; one program, and HTOOLS says which tool it is. */
const program = onPath('hbal', '/usr/lib/ganeti/3.0/usr/bin');
const factor = 100;

/** Up to three times, as long as that takes no longer than half a minute; the quickest. */
const tool = async (name: string, args: readonly string[]): Promise<Ran> => {
  const ran: Ran[] = [];
  for (let spent = 0; ran.length < 3 && spent < 30_000; spent += ran.at(-1)?.ms ?? 0)
    ran.push(await run('env', [`HTOOLS=${name}`, program ?? '', ...args]));
  return ran.reduce((a, b) => (b.ms < a.ms ? b : a));
};

/** One more VM, and nobody who is there has to go. */
const withOneMore = (text: string): { readonly problem: Problem; readonly request: string } => {
  const [groups = '', nodes = '', vms = '', ...rest] = text.split('\n\n');
  const more = 'newvm|4096|0|1|running|Y|||ext||1|-';
  const p = fromHtools([groups, nodes, `${vms.trimEnd()}\n${more}`, ...rest].join('\n\n'));
  const request = {
    cluster_tags: [],
    enabled_hypervisors: ['xen-pvm'],
    nodegroups: {},
    nodes: {},
    instances: {},
    ipolicy: {},
    request: {
      type: 'allocate',
      name: 'newvm',
      memory: 4096,
      disks: [{ size: 10_240, mode: 'w' }],
      disk_space_total: 10_240,
      vcpus: 1,
      required_nodes: 1,
      disk_template: 'ext',
      spindle_use: 1,
      tags: [],
      os: 'x',
      nics: [],
      hypervisor: 'xen-pvm',
    },
  };
  return { problem: { ...p, keeps: p.keeps.map(() => 1) }, request: JSON.stringify(request) };
};

interface Peer {
  readonly tool: string;
  /** The whole process, its start and its reading included; the best of a few where it is quick. */
  readonly wall: number;
  readonly moves: number | string;
}

const hbal = async (file: string): Promise<Peer> => {
  const { out, ms: wall } = await tool('hbal', ['-E', '-t', file, '-C']);
  return { tool: 'hbal -E', wall, moves: Number(/^Solution length=(\d+)/m.exec(out.toString())?.[1] ?? Number.NaN) };
};

const hail = async (file: string, folder: string, request: string): Promise<Peer> => {
  const json = join(folder, 'request.json');
  writeFileSync(json, request);
  const { out, ms: wall } = await tool('hail', ['-t', file, json]);
  const { success } = JSON.parse(out.toString()) as { readonly success: boolean };
  return { tool: 'hail', wall, moves: success ? 'placed' : 'not placed' };
};

it('hbal', { timeout: 3_600_000 }, async (context) => {
  const python = onPath('python3');
  if (python === undefined || !existsSync(generator)) {
    console.log(`hbal: no python3 or no ${generator}, left out`);
    return context.skip();
  }
  const [nodes = '100', vms = '1500', drained = '5'] = benchArgs();
  const folder = mkdtempSync(join(tmpdir(), 'reeve-bench-'));
  try {
    const { out } = await run(python, [generator, nodes, vms, '--drain', drained]);
    const text = out.toString();
    const file = join(folder, 'cluster.data');
    writeFileSync(file, text);
    const drain = fromHtools(text);
    const more = withOneMore(text);

    const rows: Row[] = [];
    const ours: { readonly planning: number; readonly process: number; readonly moves: number }[] = [];
    for (const [name, p] of [
      [`${drained} drained`, drain],
      ['one new VM', more.problem],
    ] as const) {
      rows.push(rowOf(name, p, await measureMoves(p)));
      const once = [];
      for (let i = 0; i < 5; i++) once.push(await measureMoves(p, 1));
      ours.push({
        planning: Math.min(...once.map((m) => m.times[0] ?? Number.NaN)),
        process: Math.min(...once.map((m) => m.processMs)),
        moves: movesIn(once[0]?.result.steps ?? []),
      });
    }
    printTable(`A cluster of ${nodes} servers and ${vms} VMs`, rows);
    refuseHarm(rows);
    if (program === undefined) {
      console.log('hbal and hail (Debian: ganeti-htools-3.0) are not on this machine: only our figures');
      return;
    }
    // What no program of ours can be quicker than.
    const bare = [];
    for (let i = 0; i < 5; i++) bare.push((await run(process.execPath, ['-e', '0'])).ms);
    const start = Math.min(...bare);
    const theirs = [await hbal(file), await hail(file, folder, more.request)];
    const beside = theirs.map((t, i): Row => ({
      tool: t.tool,
      'wall ms': ms(t.wall),
      moves: t.moves,
      'ours: planning ms': ms(ours[i]?.planning),
      'faster by': ms(t.wall / (ours[i]?.planning ?? 0)),
      'ours: process ms': ms(ours[i]?.process),
      'faster by, processes': ms(t.wall / (ours[i]?.process ?? 0)),
      'Node alone, ms': ms(start),
      'than Node alone': ms(t.wall / start),
      'our moves': ours[i]?.moves ?? 0,
    }));
    printTable(
      'Beside Ganeti (wall: their whole process; ours: the first plan of a fresh process, best of five)',
      beside,
    );
    const [drainedOurs, drainedTheirs] = [ours[0], theirs[0]];
    // What must be reached was set for this cluster.
    if (!drainedOurs || !drainedTheirs || benchArgs().length > 0) return;
    const planning = drainedTheirs.wall / drainedOurs.planning;
    const whole = drainedTheirs.wall / drainedOurs.process;
    printTarget(planning >= factor, `hbal -E: ${factor} times faster, planning`, `${ms(planning)} times`);
    printTarget(
      whole >= factor,
      `hbal -E: ${factor} times faster, the whole process with Node's start`,
      `${ms(whole)} times`,
    );
    printTarget(
      drainedOurs.moves <= Number(drainedTheirs.moves),
      'no more moves than hbal -E',
      `${drainedOurs.moves} and ${drainedTheirs.moves}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
