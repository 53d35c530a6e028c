/** What is done to farms under faults: each a farm, what happened there before, and what the file asks for now. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import type { SimFarmSpec } from '../../src/sim/index.ts';
import type { InProcessFarm } from '../../src/sim/in-process.ts';
import type { WebFile } from '../../src/sim/server.ts';

/** A file, with the options with which it is applied. */
export interface Said {
  readonly text: string;
  readonly options?: Partial<PlanOptions>;
}

export interface Scenario {
  readonly name: string;
  readonly spec: Omit<SimFarmSpec, 'texts' | 'speed' | 'seed'>;
  readonly web?: ReadonlyMap<string, WebFile>;
  /** In this order: files that are applied to their goal, and what happens by itself. */
  readonly before: readonly (Said | ((farm: InProcessFarm) => void))[];
  readonly goal: Said;
}

const source = 'filer:/vmstore';
type Dom0 = SimFarmSpec['servers'][number];

const dom0 = (name: string, more: Partial<Dom0> = {}): Dom0 => ({
  name,
  memoryMiB: 4096,
  dom0MiB: 1024,
  cpus: 4,
  bridges: ['xenbr0', 'xenbr1'],
  paths: ['/srv/vmlinuz', '/srv/a.iso', '/srv/b.iso'],
  volumeGroups: { vg0: 10 * 1024 * 1024 },
  ...more,
});
const pair = { servers: [dom0('dom01'), dom0('dom02')], exports: [source] };
const alone = {
  servers: [dom0('dom01', { paths: ['/srv/vmlinuz', '/srv/a.img', '/srv/b.img', '/srv/a.iso', '/srv/b.iso'] })],
};
const sharing = {
  servers: ['dom01', 'dom02'].map((name) =>
    dom0(name, { xendomains: 'XENDOMAINS_SAVE=""\nXENDOMAINS_RESTORE=false\n' }),
  ),
  volumeGroups: { lun0: 10 * 1024 * 1024 },
  trusting: true,
};

const allowing = (disruption: 'restart' | 'stop' | 'recreate'): Partial<PlanOptions> => ({
  allow: [{ disruption, pattern: '*' }],
});

/** A farm of one server, whose disks are files. */
const one = (vms: string): string => `farm: f
servers: { dom01: { address: a } }
networks: { lan: { bridge: xenbr0 }, dmz: { bridge: xenbr1 } }
defaults: { type: pvh, memory: { target: 128MiB, max: 256MiB }, boot: { kernel: /srv/vmlinuz }, networks: [lan], shutdown: { within: 10s } }
vms: { ${vms} }
`;

interface More {
  /** What more is said of the first server, and of the second. */
  readonly dom01?: string;
  readonly dom02?: string;
  /** `, state: absent` of the repository. */
  readonly store?: string;
  /** Other repositories. */
  readonly stores?: string;
  /** More of the file. */
  readonly rest?: string;
}

/** Two servers with a store. */
const two = (vms: string, { dom01 = '', dom02 = '', store = '', stores = '', rest = '' }: More = {}): string => `farm: p
servers: { dom01: { address: a, migration: dom01${dom01} }, dom02: { address: b, migration: dom02${dom02} } }
networks: { lan: { bridge: xenbr0 }, dmz: { bridge: xenbr1 } }
repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore${store} }${stores} }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], shutdown: { within: 10s }, disks: { xvda: { size: 1GiB, repository: vmstore } } }
${rest}
vms: { ${vms} }
`;

/** Two servers with a volume group that both see. */
const lun = (vms: string, dom01 = ''): string => `farm: p
servers: { dom01: { address: dom01${dom01} }, dom02: { address: dom02 } }
networks: { lan: { bridge: xenbr0 } }
repositories: { lun0: { type: lvm, shared: true } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], shutdown: { within: 10s } }
vms: { ${vms} }
`;

const a = 'a: { disks: { xvda: { path: /srv/a.img } }';
const hvm = (iso: string): string =>
  `${a}, type: hvm, memory: 256MiB, boot: { order: [disk] }, cdrom: { hdc: { path: ${iso} } } }`;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const debian = Uint8Array.from([0x51, 0x46, 0x49, 0xfb, ...bytes('debian')]);
const url = 'https://images.example.com/debian.qcow2';
const web = new Map([[url, { bytes: debian }]]);
const template = (state = ''): string =>
  `templates: { debian: { source: "${url}", sha256: "${bytesToHex(sha256(debian))}"${state} } }`;

/** Its power is cut, and stays so. */
const dies =
  (server: string) =>
  (farm: InProcessFarm): void => {
    farm.dom0s.get(server)?.world.power();
    farm.silent.add(server);
  };

const onFiles: readonly Scenario[] = [
  { name: 'create', spec: alone, before: [], goal: { text: one(`${a} }`) } },
  { name: 'create a paused one', spec: alone, before: [], goal: { text: one(`${a}, state: paused }`) } },
  { name: 'create hvm', spec: alone, before: [], goal: { text: one(hvm('/srv/a.iso')) } },
  {
    name: 'restart',
    spec: alone,
    before: [{ text: one(`${a} }`) }],
    goal: { text: one(`${a}, vcpus: { count: 1, max: 2 } }`), options: allowing('restart') },
  },
  {
    name: 'live changes',
    spec: alone,
    before: [{ text: one(`${a}, vcpus: { count: 1, max: 2 } }`) }],
    goal: {
      text: one(
        `${a}, vcpus: { count: 2, max: 2 }, memory: { target: 192MiB, max: 256MiB }, sched: { weight: 512 }, affinity: { hard: "0-1" } }`,
      ),
    },
  },
  {
    name: 'devices come',
    spec: alone,
    before: [{ text: one(`${a} }`) }],
    goal: {
      text: one(
        'a: { disks: { xvda: { path: /srv/a.img }, xvdb: { path: /srv/b.img } }, nics: { eth0: { network: dmz }, eth1: { network: lan } } }',
      ),
      options: allowing('recreate'),
    },
  },
  {
    name: 'devices go',
    spec: alone,
    before: [
      {
        text: one(
          'a: { disks: { xvda: { path: /srv/a.img }, xvdb: { path: /srv/b.img } }, nics: { eth0: { network: lan }, eth1: { network: dmz } } }',
        ),
      },
    ],
    goal: {
      text: one('a: { disks: { xvda: { path: /srv/a.img } }, nics: { eth0: { network: lan } } }'),
      options: allowing('recreate'),
    },
  },
  {
    name: 'change a medium',
    spec: alone,
    before: [{ text: one(hvm('/srv/a.iso')) }],
    goal: { text: one(hvm('/srv/b.iso')) },
  },
  {
    name: 'rename',
    spec: alone,
    before: [{ text: one(`${a} }`) }],
    goal: { text: one(`${a.replace('a:', 'b:')}, formerly: a }`) },
  },
  {
    name: 'rename in a restart',
    spec: alone,
    before: [{ text: one(`${a} }`) }],
    goal: {
      text: one(`${a.replace('a:', 'b:')}, formerly: a, vcpus: { count: 1, max: 2 } }`),
      options: allowing('restart'),
    },
  },
  {
    name: 'stop',
    spec: alone,
    before: [{ text: one(`${a} }`) }],
    goal: { text: one(`${a}, state: stopped }`), options: allowing('stop') },
  },
  {
    name: 'pause',
    spec: alone,
    before: [{ text: one(`${a} }`) }],
    goal: { text: one(`${a}, state: paused }`), options: allowing('stop') },
  },
  {
    name: 'unpause',
    spec: alone,
    before: [{ text: one(`${a}, state: paused }`) }],
    goal: { text: one(`${a} }`) },
  },
  {
    name: 'delete',
    spec: alone,
    before: [{ text: one(`${a} }`) }],
    goal: { text: one(`${a}, state: absent }`), options: allowing('stop') },
  },
  {
    name: 'take over',
    spec: alone,
    before: [
      { text: one(`${a} }`).replace('farm: f', 'farm: g') },
      // A person takes the server away from that farm, which is no more.
      (farm) => farm.dom0s.get('dom01')?.world.files.remove('/etc/reeve/pool.json'),
    ],
    goal: { text: one(`${a}, memory: { target: 192MiB, max: 256MiB } }`), options: { takeover: ['a'] } },
  },
  {
    name: 'two at once',
    spec: alone,
    before: [{ text: one(`${a} }`) }],
    goal: {
      text: one(`${a}, vcpus: { count: 1, max: 2 } }, b: { disks: { xvda: { path: /srv/b.img } }, after: [a] }`),
      options: allowing('restart'),
    },
  },
];

const both = { stores: ', vg0: { type: lvm }' };
const inVg = 'web: { server: dom01, disks: { xvda: { repository: vg0, size: 1GiB } } }';
const gone = 'web: { state: absent, deleteDisks: true }';

const onStores: readonly Scenario[] = [
  { name: 'attach a repository', spec: pair, before: [], goal: { text: two('') } },
  {
    name: 'detach a repository',
    spec: pair,
    before: [{ text: two('') }],
    goal: {
      text: two('', { store: ', state: absent' }).replace(', disks: { xvda: { size: 1GiB, repository: vmstore } }', ''),
    },
  },
  { name: 'create on a store', spec: pair, before: [], goal: { text: two('web: { server: dom01 }') } },
  {
    name: 'create with a seed',
    spec: pair,
    before: [{ text: two('') }],
    goal: { text: two('web: { server: dom01, cloudInit: { userData: { a: 1 } } }') },
  },
  {
    name: 'fetch a template',
    spec: pair,
    web,
    before: [{ text: two('') }],
    goal: { text: two('', { rest: template() }) },
  },
  {
    name: 'make from a template',
    spec: pair,
    web,
    before: [{ text: two('', { rest: template() }) }],
    goal: {
      text: two('web: { server: dom01, disks: { xvda: { size: 1GiB, from: debian } } }', { rest: template() }),
    },
  },
  {
    name: 'make a volume from a template',
    spec: pair,
    web,
    before: [{ text: two('', { ...both, rest: template() }) }],
    goal: {
      text: two('web: { server: dom01, disks: { xvda: { size: 1GiB, repository: vg0, from: debian } } }', {
        ...both,
        rest: template(),
      }),
    },
  },
  {
    name: 'remove a template',
    spec: pair,
    web,
    before: [{ text: two('', { rest: template() }) }],
    goal: { text: two('', { rest: template(', state: absent') }) },
  },
  {
    name: 'grow',
    spec: pair,
    before: [{ text: two('web: { server: dom01 }') }],
    goal: { text: two('web: { server: dom01, disks: { xvda: { size: 2GiB } } }'), options: allowing('restart') },
  },
  {
    name: 'grow a volume',
    spec: pair,
    before: [{ text: two(inVg, both) }],
    goal: { text: two(inVg.replace('1GiB', '2GiB'), both) },
  },
  {
    name: 'a disk more, a disk less',
    spec: pair,
    before: [{ text: two('web: { server: dom01, disks: { xvda: { size: 1GiB }, xvdb: { size: 1GiB } } }') }],
    goal: {
      text: two('web: { server: dom01, disks: { xvda: { size: 1GiB }, xvdc: { size: 1GiB } } }'),
      options: allowing('recreate'),
    },
  },
  {
    name: 'move a disk',
    spec: pair,
    before: [{ text: two('web: { server: dom01 }', both) }],
    goal: { text: two(inVg, both), options: allowing('restart') },
  },
  {
    name: 'move a disk back',
    spec: pair,
    before: [{ text: two(inVg, both) }],
    goal: { text: two('web: { server: dom01 }', both), options: allowing('restart') },
  },
  {
    name: 'delete with disks',
    spec: pair,
    before: [{ text: two('web: { server: dom01, disks: { xvda: { size: 1GiB }, xvdb: { size: 1GiB } } }') }],
    goal: { text: two(gone), options: allowing('recreate') },
  },
  {
    name: 'delete with volumes',
    spec: pair,
    before: [{ text: two(inVg, both) }],
    goal: { text: two(gone, both), options: allowing('recreate') },
  },
  {
    name: 'delete data',
    spec: pair,
    web,
    before: [
      { text: two('web: { server: dom01 }', { rest: template() }) },
      { text: two('web: { state: absent }', { rest: template() }), options: allowing('stop') },
    ],
    goal: {
      text: two('', { store: ', state: absent' }).replace(', disks: { xvda: { size: 1GiB, repository: vmstore } }', ''),
      options: { ...allowing('recreate'), deleteData: ['vmstore'] },
    },
  },
];

const anywhere = 'web: {}, db: {}';

const onPools: readonly Scenario[] = [
  {
    name: 'drain',
    spec: pair,
    before: [{ text: two('web: { server: dom01 }') }],
    goal: { text: two('web: {}', { dom01: ', state: maintenance' }) },
  },
  {
    name: 'a server leaves',
    spec: pair,
    before: [{ text: two('web: { server: dom01 }, db: { server: dom01 }') }],
    goal: { text: two(anywhere, { dom01: ', state: absent' }) },
  },
  {
    name: 'cold move',
    spec: pair,
    before: [{ text: two('web: { server: dom01, type: pv, memory: 192MiB }') }],
    goal: { text: two('web: { server: dom02, type: pv, memory: 192MiB }'), options: allowing('restart') },
  },
  {
    name: 'rename on a store',
    spec: pair,
    before: [{ text: two('web: { server: dom01 }') }],
    goal: { text: two('www: { server: dom01, formerly: web }') },
  },
  {
    name: 'move and change',
    spec: pair,
    before: [{ text: two('web: { server: dom01 }') }],
    goal: {
      text: two('web: { server: dom02, disks: { xvda: { size: 1GiB }, xvdb: { size: 1GiB } } }'),
      options: allowing('restart'),
    },
  },
  {
    name: 'swap by suspending',
    spec: { ...pair, servers: pair.servers.map((s) => ({ ...s, memoryMiB: 1024 + 600 })) },
    before: [{ text: two('web: { server: dom01, memory: 512MiB }, db: { server: dom02, memory: 512MiB }') }],
    goal: {
      text: two('web: { server: dom02, memory: 512MiB }, db: { server: dom01, memory: 512MiB }'),
      options: allowing('restart'),
    },
  },
  {
    name: 'a server is lost',
    spec: pair,
    before: [{ text: two('web: { server: dom01 }') }, dies('dom01')],
    goal: { text: two('web: {}', { dom01: ', state: lost' }), options: allowing('stop') },
  },
  {
    name: 'a lost server returns',
    spec: pair,
    before: [
      { text: two('web: { server: dom01 }') },
      dies('dom01'),
      { text: two('web: {}', { dom01: ', state: lost' }), options: allowing('stop') },
      (farm) => farm.silent.delete('dom01'),
    ],
    goal: { text: two('web: {}'), options: allowing('stop') },
  },
];

const onLuns: readonly Scenario[] = [
  {
    name: 'lun: create',
    spec: sharing,
    before: [],
    goal: { text: lun('web: { server: dom01, disks: { xvda: { size: 8MiB } } }') },
  },
  {
    name: 'lun: migrate',
    spec: sharing,
    before: [{ text: lun('web: { server: dom01, disks: { xvda: { size: 8MiB } } }') }],
    goal: { text: lun('web: { server: dom02, disks: { xvda: { size: 8MiB } } }') },
  },
  {
    name: 'lun: cold move and grow',
    spec: sharing,
    before: [{ text: lun('web: { server: dom01, type: pv, memory: 192MiB, disks: { xvda: { size: 8MiB } } }') }],
    goal: {
      text: lun('web: { server: dom02, type: pv, memory: 192MiB, disks: { xvda: { size: 12MiB } } }'),
      options: allowing('restart'),
    },
  },
  {
    name: 'lun: stop',
    spec: sharing,
    before: [{ text: lun('web: { server: dom01, disks: { xvda: { size: 8MiB } } }') }],
    goal: {
      text: lun('web: { server: dom01, state: stopped, disks: { xvda: { size: 8MiB } } }'),
      options: allowing('stop'),
    },
  },
  {
    name: 'lun: delete with disks',
    spec: sharing,
    before: [{ text: lun('web: { server: dom01, disks: { xvda: { size: 8MiB } } }') }],
    goal: { text: lun(gone), options: allowing('recreate') },
  },
  {
    name: 'lun: a server is lost',
    spec: sharing,
    before: [{ text: lun('web: { server: dom01, disks: { xvda: { size: 8MiB } } }') }, dies('dom01')],
    goal: { text: lun('web: { disks: { xvda: { size: 8MiB } } }', ', state: lost'), options: allowing('stop') },
  },
];

export const scenarios: readonly Scenario[] = [...onFiles, ...onStores, ...onPools, ...onLuns];
