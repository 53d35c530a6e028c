import { expect, test } from 'vitest';
import { domainsOf } from '../../../../src/toolstacks/xl/read/domains.ts';
import type { CfgRecord } from '../../../../src/kinds/vm/live.ts';
import { parseXenstore } from '../../../../src/toolstacks/xl/read/xenstore.ts';

const uuid = '8bbc8a5f-ae4f-5bc1-a957-bb2939c43608';
const row = { name: 'cli-a', domid: 15, memory: 196_608, vcpus: 1, uuid, state: 'paused', pool: null } as const;
const xs = parseXenstore('/local/domain/15/name = "cli-a"\n/libxl/15/type = "pvh"\n');
const json = new TextEncoder().encode('{"c_info":{"type":"pvh","name":"cli-a"},"b_info":{"max_vcpus":2}}\0');
const stored = new Map([[`userdata-d.15.${uuid}.libxl-json`, json]]);

const cfg = { uuid, type: 'pvh', boot: { kernel: '/k', ramdisk: null, cmdline: 'quiet' }, settings: { tablet: true } };
const sources = {
  rows: [row],
  xs,
  userdata: new Map(),
  records: [{ path: '/etc/xen/cli-a.cfg', config: cfg } as unknown as CfgRecord],
  links: null,
  monitors: { paths: ['/etc/xen/cli-a.cfg'], strays: 0 },
  processes: null,
  running: new Map(),
};

test('a domain that is still being built is neither paused nor gone', () => {
  const { domains, problems } = domainsOf(sources);
  expect(domains.map((d) => d.state)).toEqual(['dying']);
  expect(problems).toEqual(['domain 15 (cli-a) is there only in part: it is just coming or going']);
});

test('a paused domain with its configuration is paused', () => {
  const { domains, problems } = domainsOf({ ...sources, userdata: stored });
  expect(domains.map((d) => [d.state, d.unsettled])).toEqual([['paused', undefined]]);
  expect(problems).toEqual([]);
});

test('a reboot in progress is running as long as the domain is whole, and between two lives once it is being cleared', () => {
  const rows = [{ ...row, state: 'rebooting' as const }];
  const whole = domainsOf({ ...sources, rows, userdata: stored });
  expect(whole.domains.map((d) => [d.state, d.unsettled])).toEqual([['running', true]]);
  const cleared = domainsOf({ ...sources, rows });
  expect(cleared.domains.map((d) => d.state)).toEqual(['dying']);
});

test('a running domain whose configuration is not there is taken for what its cfg says, and looked at again', () => {
  const { domains, problems } = domainsOf({ ...sources, rows: [{ ...row, state: 'running' }] });
  expect(domains).toMatchObject([{ state: 'running', unsettled: true, boot: cfg.boot, settings: cfg.settings }]);
  expect(problems).toEqual(['domain 15 (cli-a): libxl has no readable configuration of it']);
});
