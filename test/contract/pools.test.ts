/** Pools on the simulated farm: VMs that move alive, servers that are drained, leave, are forgotten, and what goes wrong on the way. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Plan, PlanOptions } from '../../src/kinds/plan.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

const source = 'filer:/vmstore';
let rig: Rig;
const server = (name: string, memoryMiB = 4096) => ({
  name,
  memoryMiB,
  dom0MiB: 1024,
  cpus: 4,
  bridges: ['xenbr0'],
  paths: ['/srv/vmlinuz'],
});
const open = async (...servers: readonly ReturnType<typeof server>[]): Promise<void> => {
  rig = await openRig({ servers, exports: [source], speed: Infinity, seed: 'pools' });
};
beforeEach(async () => open(server('dom01'), server('dom02')));
afterEach(async () => rig.close());

interface Says {
  readonly dom01?: string;
  readonly dom02?: string;
  readonly vms: string;
  readonly more?: string;
}

const farm = ({ dom01 = '', dom02 = '', vms, more = '' }: Says): string => `farm: p
servers: { dom01: { address: a, migration: dom01${dom01} }, dom02: { address: b, migration: dom02${dom02} } }
networks: { lan: { bridge: xenbr0 } }
repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], disks: { xvda: { size: 1GiB } } }
${more}
vms: { ${vms} }
`;
const planOf = async (text: string, options: Partial<PlanOptions> = {}): Promise<Plan> =>
  rig.plan((await load(text)).farm, options);
const ids = (plan: Plan): readonly string[] => plan.operations.map((o) => o.id);
const allowing = (disruption: 'restart' | 'stop', pattern = '*'): Partial<PlanOptions> => ({
  allow: [{ disruption, pattern }],
});
const settled = async (text: string, options: Partial<PlanOptions> = {}): Promise<void> => {
  await rig.sim.settle();
  const again = await planOf(text, options);
  expect([ids(again), again.refused]).toEqual([[], []]);
};
const converge = async (text: string, options: Partial<PlanOptions> = {}): Promise<Plan> => {
  const plan = await planOf(text, options);
  const { failed, skipped } = await rig.apply(plan);
  expect({ failed, skipped, refused: plan.refused }).toEqual({ failed: [], skipped: [], refused: [] });
  await settled(text, options);
  return plan;
};
const list = async (server: string): Promise<readonly string[]> =>
  (await rig.sim.hand(server, ['xl', 'list'])).out
    .split('\n')
    .slice(1)
    .flatMap((l) => l.split(/\s+/)[0] ?? [])
    .filter((n) => n !== '' && n !== 'Domain-0')
    .sort();
const both = async (): Promise<readonly (readonly string[])[]> => [await list('dom01'), await list('dom02')];
const store = (): ReturnType<Rig['sim']['export']>['files'] => rig.sim.export(source).files;
const leaseServers = (): readonly string[] =>
  store()
    .list('/leases')
    .map((name) => (JSON.parse(store().read(`/leases/${name}`) ?? '') as { server: string }).server)
    .sort();
const cfgs = (server: string): readonly string[] =>
  rig.sim
    .files(server)
    .list('/etc/xen')
    .filter((n) => n.endsWith('.cfg'));
const two = 'a: { server: dom01 }, b: { server: dom01 }';
const anywhere = 'a: {}, b: {}';

describe('a pool', () => {
  it('is written down on its servers, with those that belong to it', async () => {
    await converge(farm({ vms: '' }));
    for (const s of ['dom01', 'dom02'])
      expect(JSON.parse(rig.sim.files(s).read('/etc/reeve/pool.json') ?? '')).toEqual({
        format: 1,
        farm: 'p',
        pool: 'p',
        server: s,
        members: ['dom01', 'dom02'],
        keys: { dom01: expect.stringMatching(/^ssh-ed25519 /) as string, dom02: expect.any(String) as string },
      });
  });

  it('does not forget a server that only left the file: its VMs are created nowhere else', async () => {
    await converge(farm({ vms: 'a: { server: dom02 }' }));
    const gone = farm({ vms: 'a: {}' }).replace(/, dom02: \{ address: b, migration: dom02 \}/, '');
    const plan = await planOf(gone);
    expect(ids(plan)).toEqual([]);
    expect(plan.refused.map((r) => `${r.what}: ${r.why}`)).toEqual([
      'a would be created: it was seen nowhere, but dom02 could not be read: it may be there',
      'dom02 would be forgotten: it left the file, and dom01 remembers it as a member of pool p: its VMs may run there',
    ]);
  });

  it('takes no server of another farm or pool', async () => {
    await rig.sim.hand('dom02', ['mkdir', '-p', '/etc/reeve']);
    rig.sim
      .files('dom02')
      .write('/etc/reeve/pool.json', '{ "format": 1, "farm": "other", "pool": "q", "members": ["dom02"] }\n');
    const plan = await planOf(farm({ vms: 'a: { server: dom01 }' }));
    expect(plan.unreadable.map((u) => `${u.server}: ${u.why}`)).toEqual(['dom02: it belongs to pool q of farm other']);
    expect(plan.operations.filter((o) => o.server === 'dom02')).toEqual([]);
  });
});

describe('maintenance', () => {
  it('moves every VM away alive, and brings none back by itself', async () => {
    await converge(farm({ vms: two }));
    const uuids = async (s: string): Promise<string> => (await rig.sim.hand(s, ['xl', 'list', '-v'])).out;
    const before = /\S{8}-\S{4}-\S{4}-\S{4}-\S{12}/g.exec(await uuids('dom01'))?.[0];
    const drained = farm({ dom01: ', state: maintenance', vms: anywhere });
    const plan = await converge(drained);
    expect(plan.vms.map((v) => [v.action, v.disruption, v.server, v.to])).toEqual([
      ['migrate', 'migrate', 'dom01', 'dom02'],
      ['migrate', 'migrate', 'dom01', 'dom02'],
    ]);
    expect(plan.operations.length).toBe(plan.bound);
    expect(await both()).toEqual([[], ['a', 'b']]);
    expect(await uuids('dom02')).toContain(before);
    expect([cfgs('dom01'), cfgs('dom02')]).toEqual([[], ['a.cfg', 'b.cfg']]);
    expect([rig.sim.files('dom01').list('/etc/xen/auto'), rig.sim.files('dom02').list('/etc/xen/auto')]).toEqual([
      [],
      ['a.cfg', 'b.cfg'],
    ]);
    expect(leaseServers()).toEqual(['dom02', 'dom02']);
    await converge(farm({ vms: anywhere }));
    expect(await both()).toEqual([[], ['a', 'b']]);
  });

  it('prepares the servers once: a key that may only receive migrations', async () => {
    await converge(farm({ vms: two }));
    const first = await converge(farm({ dom01: ', state: maintenance', vms: anywhere }));
    expect(ids(first).filter((id) => id.includes('migrations'))).toEqual([
      'dom01/send-migrations',
      'dom02/take-migrations',
    ]);
    expect(rig.sim.files('dom02').read('/root/.ssh/authorized_keys')).toMatch(
      /^restrict,command="exec xl migrate-receive" ssh-ed25519 \S+ reeve-migration:dom01\n$/,
    );
    await converge(farm({ dom02: ', state: maintenance', vms: anywhere }));
    const third = await converge(farm({ dom01: ', state: maintenance', vms: anywhere }));
    expect(ids(third).filter((id) => id.includes('migrations'))).toEqual([]);
  });

  it('keeps what is set on a running VM and does not travel: its CPUs', async () => {
    const pinned = 'a: { affinity: { hard: "0-1" } }';
    await converge(farm({ vms: pinned.replace('{ aff', '{ server: dom01, aff') }));
    await converge(farm({ dom01: ', state: maintenance', vms: pinned }));
    expect((await rig.sim.hand('dom02', ['xl', 'vcpu-list', 'a'])).out).toMatch(/ 0-1 \/ all/);
  });

  it('of all servers leaves nobody to go to, and says what would help', async () => {
    await converge(farm({ vms: 'a: { server: dom01 }, b: { server: dom02 }' }));
    const helpOf = async (dom02: string, b: string): Promise<readonly (readonly (string | null)[])[]> =>
      (await planOf(farm({ dom01: ', state: maintenance', dom02, vms: `a: ${b}, b: { server: dom02 }` }))).refused
        .filter((r) => r.subject.name === 'a')
        .map((r) => [r.why, r.help]);
    expect(await helpOf(', state: maintenance', '{}')).toEqual([
      ['dom02 is in maintenance', 'let another server be `active`, or add one'],
    ]);
    expect(await helpOf('', '{ server: dom01 }')).toEqual([
      ['no other server of its pool may have it', 'name more servers for it in the file'],
    ]);
    rig.sim.files('dom02').remove('/srv/vmlinuz');
    expect(await helpOf('', '{}')).toEqual([['dom02 has no /srv/vmlinuz', 'correct the path, or put the file there']]);
  });

  it('explains what has no room elsewhere, and moves the rest', async () => {
    await rig.close();
    await open(server('dom01'), server('dom02', 1024 + 320));
    await converge(farm({ vms: two }));
    const plan = await planOf(farm({ dom01: ', state: maintenance', vms: 'a: {}, b: {}' }));
    expect(plan.vms.filter((v) => v.action === 'migrate').length).toBe(2);
    await rig.close();
    await open(server('dom01'), server('dom02', 1024 + 200));
    await converge(farm({ vms: two }));
    const tight = await planOf(farm({ dom01: ', state: maintenance', vms: 'a: {}, b: {}' }));
    expect(tight.vms.filter((v) => v.action === 'migrate').length).toBe(1);
    expect(tight.refused.map((r) => `${r.what}: ${r.why}`)).toEqual([
      expect.stringMatching(/^[ab] would leave dom01 \(dom01 is in maintenance\): dom02 lacks \d+MiB of memory$/),
    ]);
  });

  it('restarts elsewhere what cannot migrate, where its budget allows it', async () => {
    const pv = 'a: { type: pv, memory: 192MiB }';
    await converge(farm({ vms: pv.replace('{ type', '{ server: dom01, type') }));
    const drained = farm({ dom01: ', state: maintenance', vms: pv });
    const refused = await planOf(drained);
    expect(refused.refused).toMatchObject([{ subject: { name: 'a' }, needs: 'restart', help: '--allow restart=a' }]);
    expect(refused.refused[0]?.why).toMatch(/cannot migrate pv guests/);
    const plan = await converge(drained, allowing('restart'));
    expect(plan.vms).toMatchObject([{ action: 'restart', to: 'dom02', disruption: 'restart' }]);
    expect([await both(), cfgs('dom01'), leaseServers()]).toEqual([[[], ['a']], [], ['dom02']]);
  });

  it('leaves a paused VM where it is, whatever it may cost', async () => {
    const paused = 'a: { server: dom01, state: paused }';
    await converge(farm({ vms: paused }), allowing('stop'));
    const plan = await planOf(farm({ dom01: ', state: maintenance', vms: 'a: { state: paused }' }), allowing('stop'));
    expect([ids(plan), plan.refused.map((r) => [r.why, r.help, r.needs])]).toEqual([
      [],
      [['it is paused', 'let it run (`state: running`), or stop it first', null]],
    ]);
  });

  it('joins a move to the restart that a change costs anyway', async () => {
    await converge(farm({ vms: 'a: { server: dom01 }' }));
    const plan = await converge(
      farm({ dom01: ', state: maintenance', vms: 'a: { vcpus: { count: 1, max: 4 } }' }),
      allowing('restart'),
    );
    expect(plan.vms).toMatchObject([{ action: 'restart', to: 'dom02' }]);
    expect(ids(plan).filter((id) => id.startsWith('a/migrate'))).toEqual([]);
  });

  it('leaves alone what nobody manages, and says that it is in the way', async () => {
    await converge(farm({ vms: 'a: { server: dom01 }' }));
    rig.sim.files('dom01').write('/etc/xen/x.cfg', 'name = "x"\ntype = "pvh"\nmemory = 128\nkernel = "/srv/vmlinuz"\n');
    expect((await rig.sim.hand('dom01', ['xl', 'create', '-q', '/etc/xen/x.cfg'])).rc).toBe(0);
    const plan = await planOf(farm({ dom01: ', state: maintenance', vms: 'a: {}' }));
    expect(plan.refused).toMatchObject([
      { subject: { kind: 'server', name: 'dom01' }, why: 'x runs on it and is not managed' },
    ]);
    expect(plan.vms).toMatchObject([{ action: 'migrate' }]);
  });
});

describe('a server that leaves', () => {
  it('is emptied, gives back its repositories and forgets the pool, in one run', async () => {
    await converge(farm({ vms: two }));
    const leaving = farm({ dom01: ', state: absent', vms: anywhere });
    const plan = await converge(leaving);
    expect(await both()).toEqual([[], ['a', 'b']]);
    // The key with which its VMs went opens nothing any more.
    expect(ids(plan).filter((id) => id.includes('migrations'))).toEqual([
      'dom01/send-migrations',
      'dom02/take-migrations',
      'dom01/drop-migrations',
      'dom02/drop-migrations',
    ]);
    expect(rig.sim.files('dom01').read('/root/.ssh/reeve-migration')).toBeUndefined();
    expect(rig.sim.files('dom02').read('/root/.ssh/authorized_keys')).toBe('');
    expect(rig.sim.files('dom01').read('/etc/reeve/pool.json')).toBeUndefined();
    expect(rig.sim.files('dom01').read('/etc/fstab') ?? '').not.toMatch(/vmstore/);
    expect(JSON.parse(rig.sim.files('dom02').read('/etc/reeve/pool.json') ?? '')).toMatchObject({ members: ['dom02'] });
    await settled(farm({ vms: anywhere }).replace(/ dom01: \{ address: a, migration: dom01 \},/, ''));
  });
});

describe('apart', () => {
  it('separates two VMs that are together, and starts others apart', async () => {
    await converge(farm({ vms: two }));
    const apart = farm({ vms: 'a: { apart: web }, b: { apart: web }' });
    await converge(apart);
    expect((await both()).map((l) => l.length)).toEqual([1, 1]);
    const third = await planOf(farm({ vms: 'a: { apart: web }, b: { apart: web }, c: { apart: web }' }));
    expect(third.refused.map((r) => [r.why, r.help])).toEqual([
      [
        expect.stringMatching(/dom01 has [ab] of group web; dom02 has [ab] of group web/),
        'add a server, or let the group be `soft: true` for it',
      ],
    ]);
    await converge(farm({ vms: 'a: { apart: web }, b: { apart: web }, c: { apart: { group: web, soft: true } }' }));
  });
});

describe('a full pool', () => {
  const tight = async (): Promise<void> => {
    await rig.close();
    await open(server('dom01', 1024 + 600), server('dom02', 1024 + 600));
    await converge(farm({ vms: 'a: { server: dom01, memory: 512MiB }, b: { server: dom02, memory: 512MiB }' }));
  };
  const swapped = 'a: { server: dom02, memory: 512MiB }, b: { server: dom01, memory: 512MiB }';

  it('swaps two VMs by suspending one of them, where that is allowed', async () => {
    await tight();
    const refused = await planOf(farm({ vms: swapped }));
    expect([ids(refused), refused.refused.map((r) => r.help)]).toEqual([
      [],
      [
        'free some memory, or allow one of them to be suspended (--allow restart=a)',
        'free some memory, or allow one of them to be suspended (--allow restart=b)',
      ],
    ]);
    const plan = await converge(farm({ vms: swapped }), allowing('restart'));
    expect(plan.vms.map((v) => v.action).sort()).toEqual(['migrate', 'suspend']);
    expect([await both(), leaseServers(), store().list('/suspended')]).toEqual([
      [['b'], ['a']],
      ['dom01', 'dom02'],
      [],
    ]);
  });

  it('resumes what a broken run left suspended, and never boots it anew', async () => {
    await tight();
    const plan = await planOf(farm({ vms: swapped }), allowing('restart'));
    const saved = plan.operations.findIndex((o) => o.op.verb === 'suspend');
    expect(saved).toBeGreaterThanOrEqual(0);
    let done = false;
    await rig
      .apply(plan, 1000, (e) => {
        if (e.ev === 'done' && e.op.endsWith('/suspend')) done = true;
        if (done && e.ev === 'started') throw new Error('the run dies here');
      })
      .catch(() => undefined);
    await rig.sim.settle();
    const next = await converge(farm({ vms: swapped }), allowing('restart'));
    expect(next.operations.filter((o) => o.op.verb === 'start')).toEqual([]);
    expect(await both()).toEqual([['b'], ['a']]);
  });

  it('removes the image of a VM that is paused beside it before it goes on, and never resumes it twice', async () => {
    await tight();
    const unmoved = farm({ vms: 'a: { server: dom01, memory: 512MiB }, b: { server: dom02, memory: 512MiB }' });
    const swap = await planOf(farm({ vms: swapped }), allowing('restart'));
    const [on] = swap.operations.flatMap(({ op }) => (op.verb === 'suspend' ? [op] : []));
    if (!on) throw new Error('nothing is suspended');
    const image = on.file;
    const by = (line: string): ReturnType<Rig['sim']['hand']> => rig.sim.hand(on.server, line.split(' '));
    await by('mkdir -p /srv/vmstore/suspended');
    expect((await by(`xl save ${on.name} ${image}`)).rc).toBe(0);
    await by(`xl restore -p ${image}`);
    const plan = await converge(unmoved);
    expect(plan.operations.map((o) => [o.op.verb, o.commands])).toEqual([
      ['unpause', [`rm -f ${image}`, `xl unpause ${on.name}`]],
    ]);
    expect([await both(), store().list('/suspended')]).toEqual([[['a'], ['b']], []]);
  });

  it.each([
    ['runs on', ''],
    ['is stopped', ', state: stopped'],
  ])('removes the image of a VM that has run on beside it first, though it %s', async (_, state) => {
    await tight();
    const unmoved = `a: { server: dom01, memory: 512MiB${state} }, b: { server: dom02, memory: 512MiB }`;
    const swap = await planOf(farm({ vms: swapped }), allowing('restart'));
    const [on] = swap.operations.flatMap(({ op }) => (op.verb === 'suspend' ? [op] : []));
    const uuid = swap.operations.flatMap(({ op }) => ('uuid' in op && op.name === 'a' ? [op.uuid] : []))[0];
    const image = on?.file.replace(/[^/]*$/, `${uuid}.save`) ?? '';
    await rig.sim.hand('dom01', ['mkdir', '-p', '/srv/vmstore/suspended']);
    expect((await rig.sim.hand('dom01', ['xl', 'save', 'a', image])).rc).toBe(0);
    expect((await rig.sim.hand('dom01', ['xl', 'restore', image])).rc).toBe(0);
    const plan = await converge(farm({ vms: unmoved }), allowing('stop'));
    expect(ids(plan).filter((id) => id !== 'a/autostart')).toEqual([
      'a/drop-image',
      // The cfg remembers the state that the file had last.
      ...(state === '' ? [] : ['a/define', 'a/stop']),
    ]);
    expect([await list('dom01'), store().list('/suspended')]).toEqual([state === '' ? ['a'] : [], []]);
  });
});

describe('a migration', () => {
  const drained = farm({ dom01: ', state: maintenance', vms: 'a: {}' });
  const fails = async (): Promise<string> => {
    const plan = await planOf(drained);
    const { failed } = await rig.apply(plan);
    await rig.sim.settle();
    return failed.map((f) => f.why).join('; ');
  };

  it('that a person made is taken as it is', async () => {
    await rig.close();
    rig = await openRig({
      servers: [server('dom01'), server('dom02')],
      exports: [source],
      speed: Infinity,
      seed: 'pools',
      trusting: true,
    });
    await converge(farm({ vms: 'a: { server: dom01 }' }));
    expect((await rig.sim.hand('dom01', ['xl', 'migrate', 'a', 'dom02'])).rc).toBe(0);
    const plan = await converge(farm({ vms: 'a: {}' }));
    expect(plan.operations.filter((o) => o.op.verb === 'migrate' || o.op.verb === 'start')).toEqual([]);
    expect([await both(), cfgs('dom01'), cfgs('dom02'), leaseServers()]).toEqual([
      [[], ['a']],
      [],
      ['a.cfg'],
      ['dom02'],
    ]);
  });

  it.each([['fails-at-target'], ['hangs'], ['cut'], ['undefined']] as const)(
    'that breaks off (%s) leaves one VM that runs, and the next run converges',
    async (kind) => {
      await converge(farm({ vms: 'a: { server: dom01 }' }));
      rig.sim.faults('dom02').migration(kind);
      expect(await fails()).not.toBe('');
      await rig.sim.faults('dom02').clear();
      rig.sim.faults('dom02').migration(null);
      const names = (await both()).flat();
      expect(names.filter((n) => n === 'a')).toHaveLength(1);
      for (let n = 0; n < 3 && ids(await planOf(drained)).length > 0; n++) {
        await rig.apply(await planOf(drained));
        await rig.sim.settle();
      }
      await settled(drained);
      expect(await both()).toEqual([[], ['a']]);
    },
  );

  it('is planned anew from wherever a run was killed, and nothing runs twice', async () => {
    for (let at = 3; at < 24; at += 2) {
      await rig.close();
      await open(server('dom01'), server('dom02'));
      await converge(farm({ vms: two }));
      const text = farm({ dom01: ', state: maintenance', vms: anywhere });
      await rig.apply(await planOf(text), at);
      await rig.sim.settle();
      expect(
        (await both())
          .flat()
          .filter((n) => n === 'a' || n === 'b')
          .sort(),
      ).toEqual(['a', 'b']);
      await converge(text);
      expect(await both()).toEqual([[], ['a', 'b']]);
    }
  });
});

describe('spare', () => {
  it('is kept: a VM that would take the room is not created, and says what would have no place', async () => {
    const spared = (vms: string): string =>
      `farm: p
pools:
  p:
    servers: { dom01: { address: a, migration: dom01 }, dom02: { address: b, migration: dom02 } }
    spare: 1
networks: { lan: { bridge: xenbr0 } }
repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore } }
defaults: { type: pvh, memory: 1GiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], disks: { xvda: { size: 1GiB } } }
vms: { ${vms} }
`;
    await converge(spared('a: {}, b: {}'));
    // One that may not be moved while it runs is started elsewhere like any other.
    const plan = await planOf(spared('a: { budget: live }, b: { budget: live }, c: {}'));
    expect(plan.refused.map((r) => `${r.what}: ${r.why}`)).toEqual([
      expect.stringMatching(
        /^c would be created: pool p would not survive the loss of dom0[12]: [abc] \(\S+\) would find no place \(spare: 1\)$/,
      ),
    ]);
    expect(plan.refused[0]?.allow).toEqual([{ key: 'pools.p.spare', value: 0 }]);
  });
});

describe('restarts that a profile asks for', () => {
  const three = (max: string, at = 1): string =>
    farm({
      more: `policy: { restarts: { atOnce: ${at} } }\nprofiles: { web: { memory: { target: 128MiB, max: ${max} } } }`,
      vms: [1, 2, 3]
        .map(
          (n) =>
            `w${n}: { profile: web, apart: { group: g, soft: true }, ready: { tcp: "10.0.0.${n}:80", from: dom0, within: 20s } }`,
        )
        .join(', '),
    });
  const answer = (n: number, answers: boolean): void => {
    for (const s of ['dom01', 'dom02']) rig.sim.listen(s, `10.0.0.${n}:80`, answers);
  };

  it('roll one after the other; one that does not come back stops the rest, and the next run goes on', async () => {
    for (const n of [1, 2, 3]) answer(n, true);
    await converge(three('128MiB'));
    answer(2, false);
    const plan = await planOf(three('256MiB'), allowing('restart'));
    expect(plan.lanes).toEqual([{ id: 'restarts of p', width: 1, stopOnFailure: true, vms: ['w1', 'w2', 'w3'] }]);
    const needs = (id: string): readonly string[] => plan.operations.find((o) => o.id === id)?.needs ?? [];
    expect([needs('w2/restart'), needs('w3/restart')]).toEqual([['w1/ready'], ['w2/ready']]);
    // That is no `after` of the file.
    expect(renderPlan(plan, { color: false, width: 100, commands: false })).not.toContain('starts after');
    const { done, failed, skipped } = await rig.apply(plan);
    expect(done).toEqual(['w1/restart', 'w1/ready', 'w2/restart']);
    expect(failed.map((f) => f.id)).toEqual(['w2/ready']);
    expect(skipped.map((f) => [f.id, f.why])).toEqual([
      ['w3/restart', 'w2/ready failed, and that stops the other restarts of p'],
      ['w3/ready', expect.stringContaining('it needs w3/restart')],
    ]);
    answer(2, true);
    expect(ids(await converge(three('256MiB'), allowing('restart')))).toEqual(['w3/restart', 'w3/ready']);
  });

  it('are so many at a time, and never two of one group', async () => {
    for (const n of [1, 2, 3]) answer(n, true);
    await converge(three('128MiB', 2));
    const plan = await planOf(three('256MiB', 2), allowing('restart'));
    const needs = (id: string): readonly string[] => plan.operations.find((o) => o.id === id)?.needs ?? [];
    expect([needs('w2/restart'), needs('w3/restart')]).toEqual([['w1/ready'], ['w1/ready', 'w2/ready']]);
  });
});

describe('what people read', () => {
  it('of a server that is emptied, a pool that is prepared, restarts that roll, and what stays', async () => {
    await converge(
      farm({
        vms: 'web: { server: dom01 }, db: { server: dom01, budget: live }, w1: { server: dom02 }, w2: { server: dom02 }',
      }),
    );
    const plan = await planOf(
      farm({
        dom01: ', state: maintenance',
        vms: 'web: {}, db: { budget: live }, w1: { server: dom02, vcpus: { count: 1, max: 2 } }, w2: { server: dom02, vcpus: { count: 1, max: 2 } }',
        more: 'policy: { before: { restart: "./snap {vm}" } }',
      }),
      allowing('restart', 'w*'),
    );
    await expect(renderPlan(plan, { color: false, width: 100, commands: true })).toMatchFileSnapshot(
      '../golden/report/pool.txt',
    );
    expect(plan.operations.filter((o) => o.before !== null).map((o) => [o.id, o.before])).toEqual([
      ['w1/restart', './snap w1'],
      ['w2/restart', './snap w2'],
    ]);
  });

  it('of a command that fails before an operation: that one is not begun', async () => {
    await converge(farm({ vms: 'a: { server: dom01 }' }));
    const plan = await planOf(
      farm({
        vms: 'a: { server: dom01, vcpus: { count: 1, max: 2 } }',
        more: 'policy: { before: { restart: "./snap {vm}" } }',
      }),
      allowing('restart'),
    );
    const { failed } = await rig.apply(
      plan,
      Infinity,
      () => undefined,
      async () => ({ rc: 3, out: 'no space\n' }),
    );
    expect(failed).toMatchObject([{ id: 'a/restart', why: 'policy.before: ./snap a ended with 3: no space' }]);
    expect(await list('dom01')).toEqual(['a']);
  });
});

describe('a changed pool', () => {
  const pools = (pool: string, more = ''): string => `farm: p
pools:
  p: { servers: { dom01: { address: a } } }
  q: { servers: { dom02: { address: b } } }
networks: { lan: { bridge: xenbr0 } }
repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], disks: { xvda: { size: 1GiB } } }
vms: { a: { pool: ${pool}${more} } }
`;
  it('moves a VM with its disk, in a restart that has to be allowed', async () => {
    await converge(pools('p'));
    const disk =
      store()
        .list('/disks')
        .find((n) => n.endsWith('.raw')) ?? '';
    store().write(`/disks/${disk}`, 'mine');
    const asked = await planOf(pools('q'));
    expect([ids(asked), asked.refused.map((r) => [r.what, r.why, r.help])]).toEqual([
      [],
      [['a would be moved from dom01 into pool q', 'it is down for that', '--allow restart=a']],
    ]);
    const plan = await converge(pools('q'), allowing('restart'));
    expect(plan.vms).toMatchObject([
      { action: 'restart', server: 'dom01', to: 'dom02', placed: 'the file wants pool q' },
    ]);
    expect([...plan.scope]).toEqual(['dom01', 'dom02']);
    expect([await both(), cfgs('dom01'), store().read(`/disks/${disk}`), leaseServers()]).toEqual([
      [[], ['a']],
      [],
      'mine',
      ['dom02'],
    ]);
  });

  it('makes no new VM of one that stands in a pool which was not read', async () => {
    await converge(pools('p', ', state: stopped'));
    const disk = store()
      .list('/disks')
      .find((n) => n.endsWith('.raw'));
    await rig.sim.faults('dom01').refuse(true);
    const plan = await planOf(pools('q'), { pools: ['q'] });
    expect([ids(plan), plan.refused.map((r) => [r.what, r.why, r.help])]).toEqual([
      [],
      [
        [
          'a would be created',
          `it is seen nowhere, and pool p was not read, or not all of it; /srv/vmstore/disks/${disk} is of it`,
          'plan pool p, too, when all of it answers: what is there moves, and is not made anew',
        ],
      ],
    ]);
  });

  it('says from where one comes that runs there, and whose disks tell nothing', async () => {
    const given = (pool: string): string =>
      pools(pool, ', disks: { xvda: { path: /srv/vmstore/a.raw } }').replace('disks: { xvda: { size: 1GiB } } }', '}');
    await converge(pools('p').replace(/vms: .*/, 'vms: {}'));
    store().write('/a.raw', 'mine');
    await converge(given('p'));
    await rig.sim.faults('dom01').refuse(true);
    const plan = await planOf(given('q'), { pools: ['q'], ...allowing('restart') });
    expect([ids(plan), plan.refused.map((r) => [r.why, r.help])]).toEqual([
      [],
      [
        [
          'its lease says that it runs on dom01, which could not be read',
          'it moves from pool p, which has to be read for that',
        ],
      ],
    ]);
  });

  it('moves the cfg of one that does not run', async () => {
    await converge(pools('p', ', state: stopped'));
    await converge(pools('q', ', state: stopped'));
    expect([cfgs('dom01'), cfgs('dom02')]).toEqual([[], ['a.cfg']]);
  });
});
