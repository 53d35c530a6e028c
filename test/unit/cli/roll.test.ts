/** `reeve roll` in process, on virtual time: home again on a full pool, what rides, what is remembered, and runs that are killed. */
import { describe, expect, test } from 'vitest';
import { returnOf } from '../../../src/plan/index.ts';
import { parseEntry } from '../../../src/kinds/server/journal.ts';
import type { InProcessFarm } from '../../../src/sim/in-process.ts';
import { makeProcess } from '../../../src/sim/process.ts';
import { runProgram } from '../../../src/sim/programs.ts';
import { startRun } from '../../faults/controller.ts';
import { watch } from '../../faults/history.ts';
import { load } from '../config/load.ts';
import {
  apply,
  bootsOf,
  dryRun,
  farmOf,
  makeFarm,
  on,
  planBeside,
  planOf,
  recordsOf,
  roll,
  rollBeside,
  tools,
  type Rolled,
} from './roll-world.ts';

const four = ['a', 'b', 'c', 'd'];

describe('--home', () => {
  test('on four servers that are as full as the loss of one allows: every VM is home again, in the fewest moves', async () => {
    const farm = makeFarm(four);
    // Four find room on a server, five do not: twelve of them are all that three servers hold.
    const vms = four.flatMap((s) => [1, 2, 3].map((n) => [s, `${s}${n}`] as const));
    const sized = (server: string): string => `{ memory: 3500MiB${server} }`;
    await apply(farm, farmOf(four, vms.map(([s, vm]) => `${vm}: ${sized(`, server: ${s}`)}`).join(', ')));
    const text = farmOf(four, vms.map(([, vm]) => `${vm}: ${sized('')}`).join(', '));
    const before = bootsOf(farm);
    const { code, out, err } = await roll(farm, text, { reboot: true, home: true });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('Roll: 4 servers; 24 live migrations (the fewest possible)');
    expect(out.match(/started: paused for/g)).toHaveLength(24);
    for (const s of four) expect(on(farm, s)).toEqual([`${s}1`, `${s}2`, `${s}3`]);
    expect(bootsOf(farm).map((b, i) => b === before[i])).toEqual([false, false, false, false]);
    expect(recordsOf(farm)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

const pair = ['a', 'b'];
/** Its disk is on its server alone. */
const local = (server: string, more = ''): string =>
  `{ server: ${server}, disks: { xvda: { repository: own } }${more} }`;
const rides = (more = ''): string => local('a', `, rides: true, budget: restart${more}`);
const ready = ', ready: { tcp: "10.0.0.1:80", from: dom0, within: 20s }';

describe('rides', () => {
  test('what cannot move is shut down in order before the treatment, and started and waited for after it', async () => {
    const farm = makeFarm(pair);
    for (const s of pair) farm.dom0s.get(s)?.world.listening.set('10.0.0.1:80', true);
    const other = '{ server: a, disks: { xvda: { repository: own } }, rides: true, budget: restart, after: [db] }';
    const text = farmOf(pair, `db: ${rides(ready)}, web: ${other}, free: {}`);
    await apply(farm, text.replace('free: {}', 'free: { server: a }'));
    const there: (readonly string[])[] = [];
    const command = async (): Promise<{ rc: number; out: string }> => {
      there.push(on(farm, 'a'));
      return { rc: 0, out: '' };
    };
    const { code, out, err } = await roll(farm, text, { run: 'patch {server}', reboot: true, home: true }, { command });
    expect([code, err]).toEqual([0, '']);
    expect(there).toEqual([[], ['db', 'free', 'web']]);
    expect([on(farm, 'a'), on(farm, 'b')]).toEqual([['db', 'free', 'web'], []]);
    const steps = [...out.matchAll(/^(\w+) +(\w+) +(?:\S+ +)?done in/gm)].map((m) => `${m[1]} ${m[2]}`);
    const order = steps.filter((s) => /^(?:db|web) (?:stop|start|ready)/.test(s));
    expect(order).toEqual(['web stop', 'db stop', 'db start', 'db ready', 'web start']);
    expect(out).toMatch(/^ {2}rides {3}db, web: shut down now, started again once the server is back$/m);
    expect(out).toMatch(/db, web are down while their servers are treated\.$/m);
  });

  test('one that its server has started is waited for, too', async () => {
    const farm = makeFarm(pair);
    const { world } = farm.dom0s.get('a') ?? {};
    world?.listening.set('10.0.0.1:80', true);
    const text = farmOf(pair, `db: ${rides(ready)}`);
    await apply(farm, text);
    const command = async (line: string) => {
      if (line === 'patch a' && world)
        await runProgram(world, makeProcess(world.clock), ['xl', 'create', '/etc/xen/db.cfg']);
      world?.listening.delete('10.0.0.1:80');
      return { rc: 0, out: '' };
    };
    const { code, err } = await roll(farm, text, { run: 'patch {server}' }, { command });
    expect([code, err]).toEqual([
      7,
      expect.stringMatching(/^reeve: a: what rode through its treatment did not all come up; .*\(not-started\)$/m),
    ]);
    world?.listening.set('10.0.0.1:80', true);
    expect((await roll(farm, text, { run: 'patch {server}' })).code).toBe(0);
  });

  test('costs a restart: the budget is asked for it before anything is done', async () => {
    const farm = makeFarm(pair);
    const text = farmOf(pair, `db: ${local('a', ', rides: true')}`);
    await apply(farm, text);
    const refused = await roll(farm, text, { reboot: true });
    expect(refused.code).toBe(5);
    expect(refused.out.replaceAll(/\s+/g, ' ')).toMatch(
      /db would be shut down while a is treated: it cannot leave \(its disk \S+ is only on a\), it rides, and its budget is migrate \(over-budget\) help --allow restart=db/,
    );
    expect([on(farm, 'a'), recordsOf(farm)]).toEqual([['db'], [undefined, undefined]]);
    const allow = [{ disruption: 'restart' as const, pattern: 'db' }];
    expect((await roll(farm, text, { reboot: true, allow })).code).toBe(0);
    expect(on(farm, 'a')).toEqual(['db']);
  });

  test('and is not consented to by a budget alone', async () => {
    const farm = makeFarm(pair);
    const text = farmOf(pair, `db: ${local('a', ', budget: stop')}`);
    await apply(farm, text);
    const { code, out } = await roll(farm, text, { reboot: true });
    expect([code, out]).toEqual([5, expect.stringMatching(/its\s+disk\s+\S+\s+is\s+only\s+on\s+a/)]);
  });

  test('a guest that does not obey is not destroyed: the roll stops, and says what to do', async () => {
    const farm = makeFarm(pair);
    const text = farmOf(pair, `db: ${local('a', ', rides: true, budget: data-loss')}`);
    await apply(farm, text);
    farm.dom0s.get('a')?.world.behaviours.set('db', { shutdown: 'deaf' });
    const { code, err } = await roll(farm, text, { reboot: true });
    expect([code, on(farm, 'a')]).toEqual([7, ['db']]);
    expect(err).toMatch(
      /^reeve: a: db could not be shut down in order; nothing was destroyed; the roll stops here \(not-emptied\)/,
    );
    expect(err).toContain('run the same command again: it goes on with a. To give the roll up: reeve roll p --abandon');
    farm.dom0s.get('a')?.world.behaviours.clear();
    expect((await roll(farm, text, { reboot: true })).code).toBe(0);
    expect(on(farm, 'a')).toEqual(['db']);
  });
});

describe('what the servers remember', () => {
  const text = farmOf(pair, 'x: {}');
  const broken = async () => {
    const farm = makeFarm(pair);
    await apply(farm, text.replace('x: {}', 'x: { server: a }'));
    const command = async () => ({ rc: 3, out: 'no space\n' });
    const first = await roll(farm, text, { run: 'patch {server}', home: true }, { command });
    expect([first.code, first.err]).toEqual([
      7,
      expect.stringMatching(/^reeve: a: patch a ended with 3; the roll stops here \(treatment-failed\)/),
    ]);
    expect([recordsOf(farm), on(farm, 'a'), on(farm, 'b')]).toEqual([['treating', 'waiting'], [], ['x']]);
    return farm;
  };

  test('the same command goes on where it broke off, and knows where home is', async () => {
    const farm = await broken();
    const { code, err } = await roll(farm, text, { run: 'patch {server}', home: true });
    expect([code, on(farm, 'a'), recordsOf(farm)]).toEqual([0, ['x'], [undefined, undefined]]);
    expect(err).toMatch(/^Going on with the roll of \S+, begun by ann@desk\.$/m);
  });

  test('another command or other options are refused, and nothing is done', async () => {
    const farm = await broken();
    for (const flags of [{ run: 'other', home: true }, { run: 'patch {server}' }, { reboot: true }]) {
      const { code, err } = await roll(farm, text, flags);
      expect([code, err.replaceAll(/\s+/g, ' ')]).toEqual([
        5,
        expect.stringMatching(
          /did not end, with other options: --run "patch \{server\}" --home \(roll-differs\) help: .* reeve roll p --abandon/,
        ),
      ]);
    }
    expect(recordsOf(farm)).toEqual(['treating', 'waiting']);
  });

  test('a roll that had not begun its first server is begun anew, and that is said', async () => {
    const farm = makeFarm(pair);
    await apply(farm, text);
    // Killed as it writes down what it is about to do, on the second server.
    const steps = (await roll(farm.fork(), text, { reboot: true })).link.sent;
    const step = steps.findIndex((s) => s.what === 'write' && s.server === 'b' && s.note.includes('roll.json'));
    expect(
      (await roll(farm, text, { reboot: true }, { fault: { step, fault: { is: 'killed', when: 'after' } } })).code,
    ).toBe('killed');
    expect(recordsOf(farm)).toEqual(['waiting', 'waiting']);
    const { code, err } = await roll(farm, text, { run: 'other' });
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/^The roll of \S+ \(--reboot\) had not come to its first server: this one begins anew\.$/m),
    ]);
  });
});

describe('--abandon', () => {
  test('forgets the roll, tells what it left, and what rode along is started by apply', async () => {
    const farm = makeFarm(pair);
    const text = farmOf(pair, `db: ${rides()}, x: {}`);
    await apply(farm, text.replace('x: {}', 'x: { server: a }'));
    const command = async () => ({ rc: 1, out: '' });
    expect((await roll(farm, text, { run: 'patch', home: true }, { command })).code).toBe(7);
    expect([on(farm, 'a'), on(farm, 'b')]).toEqual([[], ['x']]);
    // Nobody starts it under the hands of whoever treats its server.
    await expect(apply(farm, text)).rejects.toThrow(/db would be started: a roll has a under treatment/);
    const { code, out } = await roll(farm, text, { abandon: true });
    expect([code, recordsOf(farm)]).toEqual([0, [undefined, undefined]]);
    expect(out).toMatch(/^ {2}a is being treated$/m);
    expect(out).toMatch(
      /^db rode along and is down: reeve apply starts it\.\nNot where they were when the roll began: x\.$/m,
    );
    await apply(farm, text);
    expect(on(farm, 'a')).toEqual(['db']);
    expect((await roll(farm, text, { abandon: true })).out).toBe('No server of pool p remembers a roll.\n');
  });
});

describe('while a server is treated', () => {
  const during = async (look: (farm: InProcessFarm, text: string) => Promise<void>): Promise<Rolled> => {
    const farm = makeFarm(pair);
    const text = farmOf(pair, 'x: {}');
    await apply(farm, text.replace('x: {}', 'x: { server: b }'));
    return roll(
      farm,
      text,
      { run: 'patch {server}' },
      {
        command: async (line) => {
          if (line === 'patch a') await look(farm, text);
          return { rc: 0, out: '' };
        },
      },
    );
  };

  test('another run does nothing in the pool, and is told who holds it', async () => {
    const told: string[] = [];
    const { code } = await during(async (farm) => {
      const order = { farm: (await load(farmOf(pair, 'x: {}, new: {}'))).farm, options: {} };
      const { link, ended } = startRun(farm, order);
      const done = await ended;
      expect(done).not.toBe('killed');
      if (done === 'killed') return;
      told.push(...done.outcomes.flatMap((o) => [...o.skipped, ...o.failed].map((f) => `${f.code}: ${f.why}`)));
      expect(done.outcomes.flatMap((o) => o.done)).toEqual([]);
      await link.control.close();
    });
    expect(code).toBe(0);
    expect(new Set(told.map((t) => t.replace(/since \S+,/, 'since then,')))).toEqual(
      new Set(['server-held: b is held by ann, since then, from desk']),
    );
  });

  test('a second roll of the pool begins nothing', async () => {
    const { code } = await during(async (farm, text) => {
      const second = await rollBeside(farm, text, { run: 'patch {server}' });
      expect([second.code, second.err]).toEqual([
        1,
        expect.stringMatching(/^reeve: a is held by ann, since \S+, from desk; nothing was changed \(server-held\)$/m),
      ]);
    });
    expect(code).toBe(0);
  });

  test('plan says so, and puts new VMs elsewhere; it is no maintenance', async () => {
    const { code } = await during(async (farm) => {
      const { plan } = await planBeside(farm, farmOf(pair, 'x: {}, new: {}, far: { server: a }'));
      expect(plan.vms.filter((v) => v.action === 'create').map((v) => [v.name, v.server])).toEqual([['new', 'b']]);
      expect(plan.refused.map((r) => `${r.what}: ${r.why}`)).toEqual([
        'far would be created: a is under treatment by a roll',
      ]);
      expect(plan.warnings[0]).toMatch(
        /^a roll of pool p is under way, or broke off: a is being treated, b waits for its turn \(begun by ann@desk, \S+\)\. To go on where it broke off, run the same `reeve roll p` again\. To give it up: reeve roll p --abandon$/,
      );
      expect(JSON.stringify(plan)).not.toContain('maintenance');
    });
    expect(code).toBe(0);
  });
});

test('the whole roll is printed before its first step, and --dry-run does no more than that', async () => {
  const farm = makeFarm(['a', 'b', 'c']);
  const vms = (more: string): string =>
    `db: ${rides()}, x: { memory: 3GiB${more} }, y: { memory: 3GiB${more} }, z: { memory: 2GiB, budget: live, server: b }`;
  await apply(farm, farmOf(['a', 'b', 'c'], vms(', server: a')));
  const text = farmOf(['a', 'b', 'c'], vms(''));
  const looked = await dryRun(farm, text, { run: './patch {server}', reboot: true, home: true });
  expect(looked.code).toBe(5);
  await expect(looked.out).toMatchFileSnapshot('../../golden/report/roll-refused.txt');
  const fine = await dryRun(farm, text.replace('budget: live, server: b', 'server: b, rides: true, budget: restart'), {
    run: './patch {server}',
    reboot: true,
    home: true,
  });
  expect(fine.code).toBe(0);
  await expect(fine.out).toMatchFileSnapshot('../../golden/report/roll.txt');
  expect(recordsOf(farm)).toEqual([undefined, undefined, undefined]);
});

test('the reboot and the treatment stand in the journal', async () => {
  const farm = makeFarm(pair);
  const text = farmOf(pair, 'x: {}');
  await apply(farm, text);
  await roll(farm, text, { run: 'patch', reboot: true });
  const lines = (farm.dom0s.get('a')?.world.files.text('/var/log/reeve/journal.jsonl') ?? '').trim().split('\n');
  const entries = lines.map((l) => parseEntry(l)).filter((e) => e?.verb === 'treat' || e?.verb === 'reboot');
  expect(entries.map((e) => [e?.op, e?.result, e?.who])).toEqual([
    ['a/treat', 'done', 'ann@desk'],
    ['a/reboot', 'done', 'ann@desk'],
  ]);
});

test('nothing is done to a machine that answers in the place of a server', async () => {
  const farm = makeFarm(pair);
  const text = farmOf(pair, 'x: {}');
  await apply(farm, text);
  const files = farm.dom0s.get('b')?.world.files;
  const own = files?.text('/etc/reeve/pool.json') ?? '';
  const command = async () => {
    files?.write('/etc/reeve/pool.json', JSON.stringify({ ...(JSON.parse(own) as object), server: 'q' }));
    return { rc: 0, out: '' };
  };
  const { code, err } = await roll(farm, text, { run: 'patch' }, { command });
  expect([code, err]).toEqual([7, expect.stringMatching(/^reeve: b: .*it is q of pool p.*\(wrong-machine\)$/m)]);
  // What stands there was written while it was b.
  expect(recordsOf(farm)).toEqual(['done', 'waiting']);
});

test('killed at any step, the same command goes on there: all servers are rebooted, all VMs home, and nothing runs twice', async () => {
  const ready = makeFarm(pair);
  const text = farmOf(pair, `db: ${rides()}, x: {}`);
  await apply(ready, text.replace('x: {}', 'x: { server: a }'));
  const flags = { run: 'patch {server}', reboot: true, home: true };
  const { code, link } = await roll(ready.fork(), text, flags);
  expect(code).toBe(0);
  const steps = link.sent.length;
  // All of them take minutes: each time that this is asked for, the same sample.
  const every = Number(process.env['REEVE_ROLL_EVERY'] ?? 29);
  let tried = 0;
  for (let step = 3; step < steps; step += every) {
    const when = tried % 2 === 0 ? 'before' : 'after';
    const farm = ready.fork();
    const before = bootsOf(farm);
    const history = watch(farm);
    const killed = await roll(farm, text, flags, { fault: { step, fault: { is: 'killed', when } } });
    expect([step, killed.code]).toEqual([step, 'killed']);
    let again = await roll(farm, text, flags);
    // What hangs on a reboot under way is told, and the next run gets there.
    for (let more = 0; more < 2 && again.code !== 0; more += 1) again = await roll(farm, text, flags);
    const where = `step ${step} ${when} (${link.sent[step]?.what} ${link.sent[step]?.note}): ${again.err}`;
    const anew = bootsOf(farm).map((b, i) => b !== before[i]);
    const end = { code: again.code, a: on(farm, 'a'), b: on(farm, 'b'), records: recordsOf(farm), anew };
    expect({ where, ...end, harm: history.harm }).toEqual({
      where,
      code: 0,
      a: ['db', 'x'],
      b: [],
      records: [undefined, undefined],
      anew: [true, true],
      harm: [],
    });
    history.end();
    tried += 1;
  }
  expect(tried).toBeGreaterThan(3);
});

describe('coming home on a full pool', () => {
  const homesOf = (vms: readonly string[]): ReadonlyMap<string, string> => new Map(vms.map((v) => [v, v.slice(0, 1)]));
  const back = async (
    servers: readonly string[],
    sizes: Readonly<Record<string, string>>,
    there: Readonly<Record<string, string>>,
  ) => {
    const farm = makeFarm(servers);
    const vms = (at: (vm: string) => string): string =>
      Object.entries(sizes)
        .map(([vm, memory]) => `${vm}: { memory: ${memory}${at(vm)} }`)
        .join(', ');
    await apply(
      farm,
      farmOf(
        servers,
        vms((vm) => `, server: ${there[vm] ?? vm.slice(0, 1)}`),
      ),
    );
    const text = farmOf(
      servers,
      vms(() => ''),
    );
    const { observed } = await planOf(farm, text);
    const order = { farm: (await load(text)).farm, pool: 'p', allow: [], tools };
    const plan = returnOf(order, observed, homesOf(Object.keys(sizes)));
    return {
      refused: plan?.refused,
      moves: plan?.operations
        .filter((o) => o.op.verb === 'migrate')
        .map((o) => o.op.verb === 'migrate' && `${o.target.name} ${o.server} ${o.op.peer}`),
    };
  };

  test('VMs that sit in each other’s places take turns over the one place that is free', async () => {
    const size = '7GiB';
    const { refused, moves } = await back(
      ['a', 'b', 'c'],
      { a1: size, a2: size, b1: size, b2: size, c1: size },
      { a1: 'b', a2: 'b', b1: 'a', b2: 'a' },
    );
    expect([refused, moves?.length]).toEqual([[], 5]);
  });

  test('others make way for a moment, and are at their places again in the end', async () => {
    const { refused, moves } = await back(
      ['a', 'b', 'c', 'd'],
      { a1: '12GiB', b1: '12GiB', c1: '7GiB', d1: '7GiB' },
      { a1: 'b', b1: 'a' },
    );
    expect(refused).toEqual([]);
    expect(moves).toHaveLength(5);
    // One of the two that were at home goes to the other, and comes back.
    expect(moves?.filter((m) => /^[cd]1/.test(m || ''))).toHaveLength(2);
  });
});

test('what the plan of a roll says is what the roll does, server by server', async () => {
  const names = ['a', 'b', 'c'];
  const farm = makeFarm(names);
  const sizes = { v1: '5GiB', v2: '3GiB', v3: '2GiB', w1: '4GiB', w2: '2GiB', x1: '6GiB' };
  const vms = (at: (vm: string) => string): string =>
    Object.entries(sizes)
      .map(([vm, memory]) => `${vm}: { memory: ${memory}${at(vm)} }`)
      .join(', ');
  const first: Readonly<Record<string, string>> = { v: 'a', w: 'b', x: 'c' };
  await apply(
    farm,
    farmOf(
      names,
      vms((vm) => `, server: ${first[vm.slice(0, 1)]}`),
    ),
  );
  const text = farmOf(
    names,
    vms(() => ''),
  );
  const told = await dryRun(farm, text, { reboot: true, json: true });
  const plan = JSON.parse(told.out) as { turns: readonly { leaves: readonly { vm: string; to: string }[] }[] };
  const end = new Map<string, string>();
  for (const { leaves } of plan.turns) for (const { vm, to } of leaves) end.set(vm, to);
  expect(end.size).toBe(6);
  expect((await roll(farm, text, { reboot: true })).code).toBe(0);
  for (const s of names)
    expect([s, on(farm, s)]).toEqual([s, [...end].flatMap(([vm, to]) => (to === s ? [vm] : [])).sort()]);
});
