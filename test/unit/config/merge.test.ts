/** What is new into a file that is there: behind its own entries, and nothing else of it changes. */
import { expect, test } from 'vitest';
import { isMap, parse, parseDocument } from 'yaml';
import { mergedText } from '../../../src/config/write/merge.ts';

const block = (key: string, text: string) => {
  const map = parseDocument(text).contents;
  if (!isMap(map)) throw new Error('no map');
  return { key, text, map };
};
const more = block('vms', '# new\ndb:\n  memory: 1GiB\n');

test.each([
  [
    'vms:\n  web: {}   # mine\n\n# end\npolicy: {}\n',
    'vms:\n  web: {}   # mine\n  # new\n  db:\n    memory: 1GiB\n\n# end\npolicy: {}\n',
  ],
  [
    'vms:\n    web:\n        memory: 2GiB\n',
    'vms:\n    web:\n        memory: 2GiB\n    # new\n    db:\n      memory: 1GiB\n',
  ],
  ['farm: a # x\nvms: {}\n', 'farm: a # x\nvms:\n  # new\n  db:\n    memory: 1GiB\n'],
  ['vms:\nfarm: a\n', 'vms:\n  # new\n  db:\n    memory: 1GiB\nfarm: a\n'],
  ['farm: a\n# end', 'farm: a\n# end\n\nvms:\n  # new\n  db:\n    memory: 1GiB\n'],
])('%j', (text, merged) => {
  expect(mergedText(text, [more])).toBe(merged);
});

test('a map in one line keeps its entries and the comments around it', () => {
  const merged = mergedText('# top\nfarm: a # x\nvms: { web: { memory: 2GiB } }\n', [more]);
  expect(parse(merged)).toEqual({ farm: 'a', vms: { web: { memory: '2GiB' }, db: { memory: '1GiB' } } });
  expect(merged).toContain('# top\nfarm: a # x\n');
});
