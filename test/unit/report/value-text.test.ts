/** Values of a saved plan, which a hand can make into anything that JSON can be. */
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../src/core/json.ts';
import { valueText } from '../../../src/report/value-text.ts';

const fields = [
  'memory.max',
  'sched.cap',
  'display.vnc.password',
  'disks.xvda',
  'cdrom.hdc',
  'nics.eth0',
  'xl.pci',
  'on.x',
];
const odd = [
  '[{"a":1}]',
  '[null,[{}],[[]]]',
  '{}',
  '{"secret":{"secret":5}}',
  '{"secret":null}',
  '{"path":{}}',
  '{"__proto__":[]}',
  'null',
  '"\\u001b[2J"',
];

describe.each(fields)('%s', (field) => {
  it.each(odd)('%s is a text without control characters', (json) => {
    const read = parseJson(json);
    const value: unknown = read.ok ? read.value : undefined;
    expect(valueText(field, { is: 'value', value })).toMatch(/^[^\u0000-\u001f]+$/);
  });
});
