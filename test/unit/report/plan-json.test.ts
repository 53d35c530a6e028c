import { isVmOp } from '../../../src/kinds/operations.ts';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/core/diagnostic.ts';
import type { Plan } from '../../../src/kinds/plan.ts';
import { parsePlan, planJson } from '../../../src/report/plan-json.ts';
import { drifted, empty, troubled, usual, uuid, waiting } from './plans.ts';
import { everyVerb, whole } from './whole-vm.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../schemas/plan.schema.json', import.meta.url), 'utf8'),
) as object;

const messages = (result: Plan | readonly Diagnostic[]): string =>
  'format' in result ? 'a plan' : result.map((d) => `${d.code}: ${d.message}`).join('\n');

/** The plan's JSON with one text in it replaced by another, as a hand would. */
const tampered = (plan: Plan, from: string, to: string): string => {
  const text = planJson(plan);
  expect(text).toContain(from);
  return text.replace(from, to);
};

const ssh = {
  user: 'root',
  port: 2201,
  identityFile: '~/.ssh/id_farm',
  knownHosts: undefined,
  jump: undefined,
  sudo: undefined,
  connectTimeout: undefined,
};
const servers = ['dom01', 'dom02', 'dom03'].map((name) => ({ name, pool: 'ams1', address: `${name}.lan`, ssh }));

describe('a plan file', () => {
  test.each([
    ['empty', empty],
    ['usual', usual],
    ['drifted', drifted],
    ['troubled', troubled],
    ['waiting', waiting],
    ['whole', whole],
    ['every verb', everyVerb],
  ])('is read back as it was written: %s', (_name: string, plan: Plan) => {
    const touched = plan.operations.map((o) => ({
      subject: o.target,
      server: o.server,
      uuid: isVmOp(o.op) ? o.op.uuid : '',
      name: o.op.name,
      seen: { state: 'running' },
    }));
    const whole = { ...plan, touched, scope: ['dom01', 'dom02', 'dom03'], servers };
    const back = parsePlan(planJson(whole), schema);
    expect(messages(back)).toBe('a plan');
    expect(back).toEqual(whole);
    expect(planJson(back as Plan)).toBe(planJson(whole));
  });

  const one: Plan = {
    ...usual,
    servers,
    touched: ['web-1', 'db-1', 'web-4'].map((name) => ({
      subject: { kind: 'vm', name },
      server: 'dom01',
      uuid: '6d3c9b1e-0f6a-5b7e-9c41-2f8d5a7b1c02',
      name,
      seen: { state: 'running' },
    })),
  };

  const every: Plan = {
    ...everyVerb,
    servers,
    scope: ['dom01', 'dom02', 'dom03'],
    touched: [{ subject: { kind: 'vm', name: 'win-1' }, server: 'dom01', uuid, name: 'win-1', seen: {} }],
  };

  test.each([
    ['half a file', planJson(one).slice(0, 2000), /^bad-plan: the plan is not JSON: /],
    ['another document', '{"servers": []}', /^bad-plan: this is no plan of Reeve: it has no format$/],
    ['no object', 'null', /^bad-plan: this is no plan of Reeve/],
    [
      'another version',
      tampered(one, 'reeve-plan/1', 'reeve-plan/2'),
      /^plan-version: the plan has the format "reeve-plan\/2"; this version of Reeve reads reeve-plan\/1$/,
    ],
    [
      'a value that its digest does not cover',
      tampered(one, '"prune": false', '"prune": true'),
      /^plan-shows: the plan shows the digest sha256:[0-9a-f]{64}, and its own is sha256:[0-9a-f]{64}$/,
    ],
    ['no digest', tampered(one, '"digest": ', '"digset": '), /must have required property 'digest'/],
    [
      'a key too many',
      tampered(one, '"farm": "acme"', '"farm": "acme", "extra": 1'),
      /additional properties \(extra\)/,
    ],
    ['a wrong type', tampered(one, '"kib": 2097152', '"kib": "2GiB"'), /\/operations\/0\/op\/kib must be integer/],
    ['an unknown verb', tampered(one, '"verb": "set-memory"', '"verb": "format"'), /\/operations\/0\/op .*verb/],
    [
      'a path upwards',
      tampered(one, '"path": "/etc/xen/web-4.cfg"', '"path": "/etc/xen/../shadow"'),
      /may not stand in a path/,
    ],
    [
      'a path with a quote',
      tampered(one, '"path": "/etc/xen/web-4.cfg"', '"path": "/etc/xen/\'x"'),
      /\/path must match/,
    ],
    [
      'a name of digits',
      tampered(one, '"name": "web-1",\n        "verb"', '"name": "7",\n        "verb"'),
      /digits only/,
    ],
    [
      'needs that are not there',
      tampered(one, '"web-4/define"\n      ]', '"web-4/undefine"\n      ]'),
      /which does not stand before it/,
    ],
    ['an operation twice', tampered(one, '"id": "web-1/move-nic/eth0"', '"id": "web-1/set-memory"'), /stands twice/],
    [
      'another server',
      tampered(one, '"scope": [\n    "dom01",', '"scope": ['),
      /dom01, which is not in the plan's scope/,
    ],
    [
      'an operation that nobody was shown',
      tampered(one, '"web-1/set-memory",\n        "web-1/move', '"web-1/move'),
      /belongs to no server, VM, repository or image/,
    ],
    [
      'a password',
      tampered(every, '"secret": "${env:WIN_VNC}"', '"secret": "swordfish"'),
      /display\.vnc\.password\/secret must match/,
    ],
    ['a digest of a password', tampered(every, '"digest": null', '"digest": "a1"'), /digest must be null/],
    ['a setting that is none', tampered(every, '"tablet": true', '"tabled": true'), /additional properties \(tabled\)/],
    [
      'a link upwards',
      tampered(every, '"link": "/etc/xen/auto/02-win-1.cfg"', '"link": "/etc/xen/auto/../x"'),
      /may not stand in a path/,
    ],
    [
      'an old cfg upwards',
      tampered(every, '"path": "/etc/xen/win-0.cfg"', '"path": "/etc/xen/../x"'),
      /may not stand in a path/,
    ],
    ['a new name of digits', tampered(every, '"to": "win-2"', '"to": "2"'), /digits only/],
    ['CPUs that are none', tampered(every, '"hard": "0-3,7"', '"hard": "0-3;reboot"'), /\/op\/hard must match/],
    ['a host with an option', tampered(every, '"host": "10.1.2.3"', '"host": "-x"'), /\/ready\/host must match/],
    ['a server that nobody can reach', planJson({ ...one, servers: [] }), /how dom01 is reached is missing/],
    ['nothing to compare with', planJson({ ...one, touched: [] }), /what was seen of web-1 is missing/],
  ])('is refused with a reason: %s', (_name: string, text: string, reason: RegExp) => {
    expect(messages(parsePlan(text, schema))).toMatch(reason);
  });
});
