/** Never twice: the lease of a running VM on a shared store, on the simulated farm, through the death and return of its server. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

const source = 'filer:/vmstore';
let rig: Rig;
beforeEach(async () => {
  const server = (name: string) => ({
    name,
    memoryMiB: 4096,
    dom0MiB: 1024,
    cpus: 4,
    bridges: ['xenbr0'],
    paths: ['/srv/vmlinuz'],
  });
  rig = await openRig({
    servers: [server('dom01'), server('dom02')],
    exports: [source],
    speed: Infinity,
    seed: 'leases',
  });
});
afterEach(async () => rig.close());

/** `first`: what more is said of dom01. */
const farm = (vm: string, first = ''): string => `farm: p
servers: { dom01: { address: a${first} }, dom02: { address: b } }
networks: { lan: { bridge: xenbr0 } }
repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
vms: { web: { disks: { xvda: { size: 1GiB } }${vm} } }
`;
const lost = ', state: lost';
const planOf = async (text: string, options: Partial<PlanOptions> = {}) =>
  rig.plan((await load(text)).farm, { allow: [{ disruption: 'stop', pattern: '*' }], ...options });
const converge = async (text: string): Promise<void> => {
  const plan = await planOf(text);
  const { failed, skipped } = await rig.apply(plan);
  expect({ failed, skipped, refused: plan.refused }).toEqual({ failed: [], skipped: [], refused: [] });
  await rig.sim.settle();
  const again = await planOf(text);
  expect([again.operations.map((o) => o.id), again.refused]).toEqual([[], []]);
};
const store = (): ReturnType<Rig['sim']['export']>['files'] => rig.sim.export(source).files;
const leases = (): readonly Record<string, unknown>[] =>
  store()
    .list('/leases')
    .map((name) => JSON.parse(store().read(`/leases/${name}`) ?? '') as Record<string, unknown>);
const runsOn = async (server: string): Promise<boolean> =>
  /^web /m.test((await rig.sim.hand(server, ['xl', 'list'])).out);
const disk = (): string =>
  store()
    .list('/disks')
    .find((n) => n.endsWith('.raw')) ?? '';
/** On dom01, with something on its disk. */
const begin = async (): Promise<void> => {
  await converge(farm(', server: dom01'));
  store().write(`/disks/${disk()}`, 'mine');
};

describe('a running VM', () => {
  it('holds a lease, and starts at boot through the store; a stopped one does neither', async () => {
    await begin();
    expect(leases()).toMatchObject([
      { farm: 'p', vm: 'web', server: 'dom01', disks: { xvda: `/srv/vmstore/disks/${disk()}` } },
    ]);
    const link = rig.sim.files('dom01').list('/etc/xen/auto');
    expect([link, store().list('/autostart/dom01')]).toEqual([['web.cfg'], ['web.cfg']]);
    await converge(farm(', server: dom01, state: stopped'));
    expect([leases(), store().list('/autostart/dom01')]).toEqual([[], []]);
    await converge(farm(', server: dom01'));
    await converge(farm(', state: absent'));
    expect([leases(), store().list('/autostart/dom01')]).toEqual([[], []]);
  });

  it('gives its lease back when it goes, whether the file still has its disks or not', async () => {
    await begin();
    await converge(farm(', server: dom01').replace(/vms:.*/, 'vms: { web: { state: absent } }'));
    expect([leases(), store().list('/autostart/dom01')]).toEqual([[], []]);
  });

  it('has a lease that names each disk from before it has it until it has lost it', async () => {
    await converge(farm(', server: dom01'));
    const more = farm(', server: dom01').replace('1GiB } }', '1GiB }, xvdb: { size: 1GiB } }');
    const coming = await planOf(more);
    expect(coming.operations.map((o) => o.id)).toEqual([
      'web/make-disk/xvdb',
      'web/define',
      'web/settle',
      'web/attach-disk/xvdb',
    ]);
    await converge(more);
    const named = (): readonly string[] => Object.keys(leases()[0]?.['disks'] as object);
    expect(named()).toEqual(['xvda', 'xvdb']);
    const going = await planOf(farm(', server: dom01'));
    expect(going.operations.map((o) => o.id)).toEqual(['web/define', 'web/detach-disk/xvdb', 'web/settle']);
    // While it may not lose it, it is named.
    await rig.apply(await planOf(farm(', server: dom01'), { allow: [] }));
    expect((await planOf(farm(', server: dom01'), { allow: [] })).operations).toEqual([]);
    expect(named()).toEqual(['xvda', 'xvdb']);
    await converge(farm(', server: dom01'));
    expect(named()).toEqual(['xvda']);
  });

  it('whose lease somebody takes meanwhile gets no disk', async () => {
    await converge(farm(', server: dom01'));
    const plan = await planOf(farm(', server: dom01').replace('1GiB } }', '1GiB }, xvdb: { size: 1GiB } }'));
    const [name = ''] = store().list('/leases');
    store().write(`/leases/${name}`, 'somebody else\n');
    const { failed, skipped } = await rig.apply(plan);
    expect([failed.map((f) => f.id), skipped.map((s) => s.id)]).toEqual([['web/settle'], ['web/attach-disk/xvdb']]);
  });

  it('keeps a disk that it got while it ran, and none that was only begun, when its server dies', async () => {
    await begin();
    const more = (first = ''): string => farm('', first).replace('1GiB } }', '1GiB }, xvdb: { size: 1GiB } }');
    await converge(more());
    const second = store()
      .list('/disks')
      .find((n) => /^web-xvdb-.*\.raw$/.test(n));
    store().write(`/disks/${second}`, 'mine, too');
    // A disk of that name that an interrupted run left.
    for (const end of ['.raw', '.raw.reeve.json'])
      store().write(`/disks/web-xvdb-00000000${end}`, store().read(`/disks/${second?.replace('.raw', end)}`) ?? '');
    await rig.sim.faults('dom01').refuse(true);
    await converge(more(lost));
    const { out } = await rig.sim.hand('dom02', ['cat', '/etc/xen/web.cfg']);
    expect(out).toContain(second);
  });

  it('whose lease another server holds is not started, unless that one was seen without it', async () => {
    await converge(farm(', server: dom01, state: stopped'));
    const [, uuid = ''] = /uuid = "([^"]+)"/.exec(rig.sim.files('dom01').read('/etc/xen/web.cfg') ?? '') ?? [];
    const held = { format: 1, farm: 'p', vm: 'web', uuid, server: 'dom09', boot: 'b', generation: 1, disks: {} };
    await rig.sim.hand('dom01', ['mkdir', '-p', '/srv/vmstore/leases']);
    store().write(`/leases/${uuid}.json`, `${JSON.stringify(held)}\n`);
    const plan = await planOf(farm(', server: dom01'));
    expect(plan.refused[0]?.why).toBe('its lease says that it runs on dom09, which could not be read');
    store().write(`/leases/${uuid}.json`, `${JSON.stringify({ ...held, server: 'dom02' })}\n`);
    await converge(farm(', server: dom01'));
    expect(leases()).toMatchObject([{ server: 'dom01' }]);
  });

  it('is not started with a lease that came between plan and apply', async () => {
    await converge(farm(', server: dom01, state: stopped'));
    const plan = await planOf(farm(', server: dom01'));
    const [, uuid = ''] = /uuid = "([^"]+)"/.exec(rig.sim.files('dom01').read('/etc/xen/web.cfg') ?? '') ?? [];
    await rig.sim.hand('dom01', ['mkdir', '-p', '/srv/vmstore/leases']);
    store().write(`/leases/${uuid}.json`, 'somebody else\n');
    const { failed } = await rig.apply(plan);
    expect(failed[0]?.why).toMatch(/somebody changed it since it was read/);
    expect(await runsOn('dom01')).toBe(false);
  });
});

describe('a cfg that lies among the links of autostart', () => {
  it('is not made a link of', async () => {
    await converge(farm(', server: dom01, state: absent'));
    await rig.sim.hand('dom01', ['mkdir', '-p', '/srv/vmstore/disks']);
    store().write('/disks/old.raw', 'mine');
    const cfg = `name = "web"\nuuid = "6d3c9b1e-0f6a-5b7e-9c41-2f8d5a7b1c02"\ntype = "pvh"\nmemory = 128\nkernel = "/srv/vmlinuz"\ndisk = [ "/srv/vmstore/disks/old.raw,raw,xvda,rw" ]\n`;
    await rig.sim.hand('dom01', ['mkdir', '-p', '/etc/xen/auto']);
    rig.sim.files('dom01').write('/etc/xen/auto/web.cfg', cfg);
    await rig.sim.hand('dom01', ['xl', 'create', '/etc/xen/auto/web.cfg']);
    await rig.sim.settle();
    const text = farm(', server: dom01, autostart: true').replace(
      '{ size: 1GiB }',
      '{ path: /srv/vmstore/disks/old.raw }',
    );
    const plan = await planOf(text.replace('networks: [lan]', ''), {
      allow: [{ disruption: 'restart', pattern: '*' }],
    });
    expect(plan.operations.map((o) => o.op.verb)).not.toContain('autostart');
    await rig.apply(plan);
    expect(rig.sim.files('dom01').read('/etc/xen/auto/web.cfg')).toContain('name = "web"');
  });
});

describe('a server that dies', () => {
  it('takes its VMs with it until a person says that it is lost; then they start elsewhere, from their own disks, and nothing runs twice when it returns', async () => {
    await begin();
    await rig.sim.faults('dom01').refuse(true);
    const blind = await planOf(farm(''));
    expect(blind.operations).toEqual([]);
    expect(blind.refused[0]?.why).toMatch(/seen nowhere, but dom01 could not be read/);
    await converge(farm('', lost));
    const plan = await planOf(farm('', lost));
    expect(plan.unreadable).toEqual([]);
    expect(await runsOn('dom02')).toBe(true);
    expect(store().read(`/disks/${disk()}`)).toBe('mine');
    expect(
      store()
        .list('/disks')
        .filter((n) => n.endsWith('.raw')),
    ).toHaveLength(1);
    expect(leases()).toMatchObject([{ server: 'dom02' }]);
    expect([store().list('/autostart/dom01'), store().list('/autostart/dom02')]).toEqual([[], ['web.cfg']]);

    rig.sim.reboot('dom01');
    await rig.sim.faults('dom01').clear();
    // Its own link leads nowhere now.
    expect(rig.sim.files('dom01').list('/etc/xen/auto')).toEqual(['web.cfg']);
    expect(rig.sim.files('dom01').read('/etc/xen/auto/web.cfg')).toBeUndefined();
    const silent = await planOf(farm('', lost));
    expect([silent.operations, silent.refused]).toEqual([[], []]);
    const back = await planOf(farm(''));
    expect([back.operations.map((o) => o.id), back.refused]).toEqual([['web/forget/dom01', 'dom02/join-pool'], []]);
    await converge(farm(''));
    expect([rig.sim.files('dom01').list('/etc/xen/auto'), rig.sim.files('dom01').read('/etc/xen/web.cfg')]).toEqual([
      [],
      undefined,
    ]);
    expect([await runsOn('dom01'), await runsOn('dom02')]).toEqual([false, true]);
    await converge(farm(', state: stopped'));
    expect(leases()).toEqual([]);
  });

  it('with a VM that was stopped does not let it begin anew beside its own disk: it adopts that one', async () => {
    await begin();
    await converge(farm(', server: dom01, state: stopped'));
    await rig.sim.faults('dom01').refuse(true);
    const plan = await planOf(farm('', lost));
    expect(plan.operations.map((o) => o.id)).toEqual(['dom02/join-pool']);
    expect(plan.refused[0]?.why).toBe(
      `it is seen nowhere, and a server is lost; /srv/vmstore/disks/${disk()} is of it`,
    );
    await converge(farm('', lost).replace('{ size: 1GiB }', `{ adopt: /srv/vmstore/disks/${disk()} }`));
    expect([await runsOn('dom02'), store().read(`/disks/${disk()}`)]).toEqual([true, 'mine']);
  });

  it('and was only declared lost keeps what it runs', async () => {
    await begin();
    const plan = await planOf(farm('', lost));
    expect(plan.operations).toEqual([]);
    expect(plan.refused[0]).toMatchObject({ why: 'dom01 is declared lost, and it answers' });
    expect(await runsOn('dom01')).toBe(true);
  });

  it('or is off by our own hand is not read, and its VMs start nowhere else', async () => {
    await begin();
    await rig.sim.faults('dom01').refuse(true);
    const plan = await planOf(farm('', ', state: off'));
    expect([plan.operations, plan.unreadable]).toEqual([[], []]);
    // As the file says, and no error: its lease tells where it is.
    expect([plan.refused, plan.warnings.filter((w) => w.includes('is off'))]).toEqual([
      [],
      ['web is on dom01, which is off: nothing is done with it'],
    ]);
    // Of one that nobody knows, nothing can be told while a server is off.
    const other = await planOf(farm('', ', state: off').replace('web:', 'b:'));
    expect([other.operations, other.refused.map((r) => [r.subject.name, r.why, r.help])]).toEqual([
      [],
      [
        [
          'b',
          'it was seen nowhere, but dom01 could not be read: it may be there',
          'power dom01 on for that, or let it leave the pool: it is off',
        ],
      ],
    ]);
  });

  it('is not begun anew elsewhere where a disk of it was on that server alone', async () => {
    const local = (server: string): string =>
      farm(server, lost).replace('{ size: 1GiB } }', '{ size: 1GiB }, xvdb: { path: /srv/vmlinuz } }');
    await converge(local(', server: dom01').replace(lost, ''));
    await rig.sim.faults('dom01').refuse(true);
    const plan = await planOf(local(''));
    expect([plan.operations.filter((o) => o.target.kind === 'vm'), plan.refused.map((r) => [r.why, r.help])]).toEqual([
      [],
      [
        [
          'it is seen nowhere, and dom01 is lost, which may have had its disk xvdb alone',
          'name the server where it is to begin with what is there (`server: …`)',
        ],
      ],
    ]);
    expect((await planOf(local(', server: dom02'))).operations.map((o) => o.id)).toContain('web/start');
  });
});

describe('a VM that changes more than one thing', () => {
  it('brings a new disk along to another server', async () => {
    await begin();
    const more = farm(', server: dom02')
      .replace('{ size: 1GiB } }', '{ size: 1GiB }, xvdb: { size: 2GiB } }')
      .replace('address: a', 'address: dom01')
      .replace('address: b', 'address: dom02');
    // Down on the way, and alive.
    const plan = await planOf(more, { allow: [{ disruption: 'restart', pattern: '*' }] });
    expect((await rig.apply(plan)).failed).toEqual([]);
    await converge(more);
    expect(await runsOn('dom02')).toBe(true);
    const raw = store()
      .list('/disks')
      .filter((n) => n.endsWith('.raw'));
    expect(raw.map((n) => n.replace(/-[0-9a-f]{8}\.raw$/, ''))).toEqual(['web-xvda', 'web-xvdb']);
    await converge(
      more.replace('server: dom02', 'server: dom01').replace('2GiB } }', '2GiB }, xvdc: { size: 1GiB } }'),
    );
    expect([await runsOn('dom01'), await runsOn('dom02')]).toEqual([true, false]);
  });

  it('and its name meets its own disks again when its server dies', async () => {
    await begin();
    const renamed = (first = ''): string => farm('', first).replace('{ web: {', '{ www: { formerly: web,');
    await converge(renamed());
    expect(leases()).toMatchObject([{ vm: 'www', server: 'dom01' }]);
    const plain = (first = ''): string => renamed(first).replace('formerly: web,', '');
    await converge(plain());
    await rig.sim.faults('dom01').refuse(true);
    await converge(plain(lost));
    expect([
      store().read(`/disks/${disk()}`),
      store()
        .list('/disks')
        .filter((n) => n.endsWith('.raw')).length,
    ]).toEqual(['mine', 1]);
    expect((await rig.sim.hand('dom02', ['xl', 'list'])).out).toMatch(/^www /m);
  });
});

describe('a lease', () => {
  it('of a VM that went down by itself is given back where it is to stay down', async () => {
    await begin();
    await rig.sim.hand('dom01', ['xl', 'shutdown', '-w', 'web']);
    await rig.sim.settle();
    expect(leases()).toHaveLength(1);
    await converge(farm(', server: dom01, state: stopped'));
    expect(leases()).toEqual([]);
  });

  it('that nobody gave back keeps a VM from a start while it may have been migrated away', async () => {
    await begin();
    await rig.sim.hand('dom01', ['xl', 'destroy', 'web']);
    await rig.sim.settle();
    await rig.sim.faults('dom02').refuse(true);
    const plan = await planOf(farm(''));
    expect(plan.operations).toEqual([]);
    expect(plan.refused[0]?.why).toMatch(/only a cfg of it was seen, on dom01, and dom02 could not be read/);
    await rig.sim.faults('dom02').clear();
    await converge(farm(''));
    expect(await runsOn('dom01')).toBe(true);
  });
});

describe('an old cfg', () => {
  it('of a VM that runs elsewhere takes neither its lease nor its disks along when it has left the file', async () => {
    await begin();
    // Somebody moved it by hand: the cfg stays behind.
    await rig.sim.hand('dom01', ['xl', 'destroy', 'web']);
    const cfg = rig.sim.files('dom01').read('/etc/xen/web.cfg') ?? '';
    rig.sim.files('dom02').write('/root/web.cfg', cfg);
    await rig.sim.hand('dom02', ['xl', 'create', '/root/web.cfg']);
    await rig.sim.settle();
    const other = farm('').replace(/vms:.*/, 'vms: { other: { state: stopped, disks: {} } }');
    const plan = await planOf(other, { prune: true, deleteDisks: ['web'] });
    expect(plan.operations.filter((o) => o.target.name === 'web' || o.op.verb === 'delete-disk')).toEqual([]);
    expect(plan.refused.map((r) => r.why)).toContain(
      'it runs on dom02, and what is to go is an old cfg of it on dom01',
    );
  });
});
