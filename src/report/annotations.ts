/** What is wrong with a file as forges take it: on the lines of a pull request. */
import type { Diagnostic, Position } from '../core/diagnostic.ts';
import { reasonsOf } from '../core/reason.ts';
import { clean } from './text.ts';

const said = (d: Diagnostic): string => (d.hint === undefined ? d.message : `${d.message}\nhelp: ${d.hint}`);

/** As the runner of GitHub's actions reads a workflow command. */
const data = (text: string): string =>
  text.split('\n').map(clean).join('\n').replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** `::error file=farm.yaml,line=3,col=5::…`, a line each. The runner shows ten errors and ten warnings of a step. */
export const githubLines = (all: readonly Diagnostic[]): string =>
  all
    .map((d) => {
      const place: readonly (readonly [string, string | number])[] = d.at
        ? [
            ['file', d.at.file],
            ['line', d.at.line],
            ['col', d.at.column],
            ['endColumn', d.at.column + Math.max(1, d.at.width)],
          ]
        : [];
      const properties = [...place, ['title', d.code] as const].map(([k, v]) => `${k}=${property(String(v))}`);
      return `::${d.severity} ${properties.join(',')}::${data(said(d))}\n`;
    })
    .join('');

const location = (at: Position, message?: string): object => ({
  physicalLocation: {
    artifactLocation: { uri: at.file.split('/').map(encodeURIComponent).join('/') },
    region: { startLine: at.line, startColumn: at.column, endColumn: at.column + Math.max(1, at.width) },
  },
  ...(message === undefined ? {} : { message: { text: message } }),
});

const result = (d: Diagnostic): object => ({
  ruleId: d.code,
  level: d.severity,
  message: { text: said(d) },
  locations: d.at ? [location(d.at)] : [],
  relatedLocations: (d.related ?? []).map((r) => location(r.at, r.message)),
});

/** SARIF 2.1.0, as code scanning takes it; ends in a newline. */
export const sarif = (all: readonly Diagnostic[], version: string): string => {
  const codes = [...new Set(all.map((d) => d.code))].sort();
  const run = {
    tool: {
      driver: {
        name: 'reeve',
        version,
        rules: codes.map((id) => ({ id, shortDescription: { text: reasonsOf.file[id].means } })),
      },
    },
    columnKind: 'utf16CodeUnits',
    results: all.map(result),
  };
  const document = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [run],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
};
