import { noStorage } from '../../../src/kinds/repository/live.ts';
import { describe, expect, test } from 'vitest';
import { apartIn, observe, restless } from '../../../src/cli/observe.ts';
import { readProgram, type Reader, type Unknown } from '../../../src/core/port.ts';
import type { Farm } from '../../../src/kinds/farm.ts';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Toolstack } from '../../../src/kinds/toolstack.ts';
import type { CfgRecord, Domain } from '../../../src/kinds/vm/live.ts';

const quiet: ServerSeen = {
  is: 'seen',
  storage: noStorage,
  host: 'dom01',
  bootId: 'b',
  xen: { major: 4, minor: 17, version: '4.17.5', virtCaps: [] },
  cpus: 4,
  memory: { total: 0, free: 0, reclaimable: 0 },
  scheduler: 'credit2',
  bridges: [],
  ovs: [],
  cpupools: ['Pool-0'],
  qemu: true,
  xendomains: null,
  domains: [],
  records: [],
  paths: {},
  monitors: [],
  problems: [],
};
const record = {
  path: '/etc/xen/web-1.cfg',
  text: '',
  digest: '',
  config: { name: 'web-1', uuid: 'u-1', disks: {} },
  problem: undefined,
  marker: null,
  autostart: [],
} as unknown as CfgRecord;
const domain = {
  uuid: 'u-1',
  name: 'web-1',
  state: 'running',
  monitored: true,
  disks: [],
  nics: [],
} as unknown as Domain;
const between: ServerSeen = { ...quiet, records: [record], monitors: [record.path] };

describe('restless', () => {
  test.each<[string, ServerSeen, boolean]>([
    ['nothing there', quiet, false],
    ['a stopped VM', { ...quiet, records: [record] }, false],
    ['a running VM', { ...between, domains: [domain] }, false],
    ['a VM between two lives', between, true],
    [
      'a VM whose QEMU is not there, or not yet',
      { ...between, domains: [{ ...domain, type: 'hvm', qemu: false }] },
      false,
    ],
    ['a VM that is taken down', { ...quiet, domains: [{ ...domain, state: 'dying' }] }, true],
    ['a VM that has just ended', { ...quiet, domains: [{ ...domain, state: 'shutdown' }] }, true],
    [
      'one that ended and that nobody clears',
      { ...quiet, domains: [{ ...domain, state: 'shutdown', monitored: false }] },
      false,
    ],
  ])('%s', (_name, seen, expected) => {
    expect(restless(seen)).toBe(expected);
  });
});

const server = (name: string, pool: string) => ({ name, pool }) as unknown as Farm['pools'][number]['servers'][number];
const farm = {
  pools: [
    { name: 'a', servers: [server('dom01', 'a'), server('dom02', 'a')] },
    { name: 'b', servers: [server('dom03', 'b')] },
  ],
} as unknown as Farm;
const toolstack = {
  reading: (_what: string, paths: readonly string[]) =>
    readProgram<ServerSeen>({ text: '', args: paths, deadlineMs: 1, decode: () => quiet }),
} as unknown as Toolstack;

/** Answers each server's readings one after the other, the last for ever. */
const scripted = (answers: Readonly<Record<string, readonly (ServerSeen | Unknown)[]>>) => {
  const asked: string[] = [];
  const slept: number[] = [];
  const reader = {
    read: async (name: string, program: { args: readonly string[] }) => {
      const n = asked.filter((a) => a.startsWith(name)).length;
      asked.push(`${name} ${program.args.join(' ')}`.trim());
      return answers[name]?.[n] ?? answers[name]?.at(-1) ?? { ...quiet, bootId: name };
    },
    close: async () => {},
  } as unknown as Reader;
  const sleep = async (ms: number): Promise<void> => {
    slept.push(ms);
  };
  return { asked, slept, watch: { reader, toolstack, sleep } };
};

describe('observe', () => {
  test('reads every server once, with the paths that are asked of it', async () => {
    const { asked, slept, watch } = scripted({});
    const seen = await observe(farm, [], new Map([['dom02', ['/srv/vmlinuz']]]), watch);
    expect([...seen.keys()]).toEqual(['dom01', 'dom02', 'dom03']);
    expect(asked).toEqual(['dom01', 'dom02 /srv/vmlinuz', 'dom03']);
    expect(slept).toEqual([]);
  });

  test('gives all servers the same moment at which the reading is over', async () => {
    const { watch } = scripted({});
    const given: (number | undefined)[] = [];
    const reader = {
      read: async (_name: string, _program: unknown, until?: number) => {
        given.push(until);
        return quiet;
      },
    } as unknown as Reader;
    await observe(farm, [], new Map(), { ...watch, reader, until: 7 });
    expect(given).toEqual([7, 7, 7]);
  });

  test('reads only the pools that were named', async () => {
    const { asked, watch } = scripted({});
    await observe(farm, ['b'], new Map(), watch);
    expect(asked).toEqual(['dom03']);
  });

  test('reads a server again while a guest may still be without its QEMU, and believes it in the end', async () => {
    const bare = { ...between, domains: [{ ...domain, type: 'hvm', qemu: false } as Domain] };
    const whole = { ...between, domains: [{ ...domain, type: 'hvm', qemu: true } as Domain] };
    const soon = scripted({ dom02: [bare, whole] });
    expect((await observe(farm, ['a'], new Map(), soon.watch)).get('dom02')).toBe(whole);
    const never = scripted({ dom02: [bare] });
    expect((await observe(farm, ['a'], new Map(), never.watch)).get('dom02')).toBe(bare);
    expect(never.slept).toHaveLength(3);
  });

  test('reads a server again while a guest is on its way to the vCPUs that it was told to run', async () => {
    const up = { ...domain, pvDrivers: true, vcpus: { online: 1, max: 2 }, memory: { target: 1, actual: 1, max: 1 } };
    const onTheWay = { ...between, domains: [{ ...up, vcpusAsked: 2 } as Domain] };
    const there = { ...between, domains: [{ ...up, vcpus: { online: 2, max: 2 } } as Domain] };
    const { watch } = scripted({ dom02: [onTheWay, there] });
    expect((await observe(farm, ['a'], new Map(), watch)).get('dom02')).toBe(there);
  });

  test('reads a server again where a domain was caught in the middle of its reboot', async () => {
    const amid = { ...between, domains: [{ ...domain, unsettled: true } as Domain] };
    const up = { ...between, domains: [domain] };
    const { watch } = scripted({ dom02: [amid, up] });
    expect((await observe(farm, ['a'], new Map(), watch)).get('dom02')).toBe(up);
  });

  test('reads a server again while a VM is between two lives', async () => {
    const up = { ...between, domains: [domain] };
    const { asked, slept, watch } = scripted({ dom02: [between, between, up] });
    const seen = await observe(farm, ['a'], new Map(), watch);
    expect(seen.get('dom02')).toBe(up);
    expect(asked).toEqual(['dom01', 'dom02', 'dom02', 'dom02']);
    expect(slept).toHaveLength(2);
  });

  test('believes in the end that a VM is gone', async () => {
    const { asked, watch } = scripted({ dom03: [between] });
    const seen = await observe(farm, ['b'], new Map(), watch);
    expect(seen.get('dom03')).toBe(between);
    expect(asked).toHaveLength(4);
  });

  test('a server that cannot be read is a value, and asked once', async () => {
    const unknown: Unknown = { is: 'unknown', reason: 'unreachable', why: 'no answer' };
    const { asked, watch } = scripted({ dom03: [unknown] });
    const seen = await observe(farm, ['b'], new Map(), watch);
    expect(seen.get('dom03')).toBe(unknown);
    expect(asked).toHaveLength(1);
  });
});

describe('two answers that may be of two moments', () => {
  const there = { ...quiet, domains: [domain] };
  const half = { ...quiet, domains: [{ ...domain, name: 'web-1--incoming', state: 'paused' }] } as ServerSeen;
  const moving = [{ operation: null, ofRun: false, doing: 'xl migrate', uuid: 'u-1' }];
  test.each<[string, Record<string, ServerSeen>, readonly string[]]>([
    ['one VM on one server', { a: there, b: quiet }, []],
    ['one VM on two servers', { a: there, b: there, c: quiet }, ['a', 'b']],
    ['a half beside the whole', { a: there, b: half }, ['a', 'b']],
    ['a half alone, and the cfg of it', { a: { ...quiet, records: [record] }, b: half }, ['a', 'b']],
    ['a half that something brings', { a: { ...there, underWay: moving }, b: half }, []],
  ])('%s', (_name, seen, servers) => {
    expect(apartIn(new Map(Object.entries(seen)))).toEqual(servers);
  });

  test('are taken again together, until they fit', async () => {
    let looks = 0;
    const answers: Record<string, readonly ServerSeen[]> = { a: [there, quiet], b: [there, there] };
    const reader: Reader = {
      read: (async (name: string) => ({
        ...answers[name]?.[Math.min(looks, 1)],
        bootId: name,
      })) as unknown as Reader['read'],
      close: async () => undefined,
    };
    const farm = { pools: [{ name: 'p', servers: ['a', 'b'].map((name) => ({ name, state: 'active' })) }] };
    const watch = {
      reader,
      toolstack: { reading: () => null } as unknown as Toolstack,
      sleep: async () => void (looks += 1),
    };
    const seen = await observe(farm as unknown as Farm, [], new Map(), watch);
    expect([looks, apartIn(seen)]).toEqual([1, []]);
  });
});
