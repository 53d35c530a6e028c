import { expect, test } from 'vitest';
import { domainsOf } from '../../../../src/toolstacks/xl/domains.ts';
import { parseXenstore } from '../../../../src/toolstacks/xl/xenstore.ts';

const uuid = '8bbc8a5f-ae4f-5bc1-a957-bb2939c43608';
const row = { name: 'cli-a', domid: 15, memory: 196_608, vcpus: 1, uuid, state: 'paused', pool: null } as const;
const xs = parseXenstore('/local/domain/15/name = "cli-a"\n/libxl/15/type = "pvh"\n');
const json = new TextEncoder().encode('{"c_info":{"type":"pvh","name":"cli-a"},"b_info":{"max_vcpus":2}}\0');
const stored = new Map([[`userdata-d.15.${uuid}.libxl-json`, json]]);

test('a domain that is still being built is neither paused nor gone', () => {
  const { domains, problems } = domainsOf({
    rows: [row],
    xs,
    userdata: new Map(),
    records: [],
    links: null,
    monitors: null,
    processes: null,
    running: new Map(),
  });
  expect(domains.map((d) => d.state)).toEqual(['dying']);
  expect(problems).toEqual(['domain 15 (cli-a) is there only in part: it is just coming or going']);
});

test('a paused domain with its configuration is paused', () => {
  const { domains, problems } = domainsOf({
    rows: [row],
    xs,
    userdata: stored,
    records: [],
    links: null,
    monitors: null,
    processes: null,
    running: new Map(),
  });
  expect(domains.map((d) => d.state)).toEqual(['paused']);
  expect(problems).toEqual([]);
});
