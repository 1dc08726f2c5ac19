// A reporter of node's test runner for mutants.mjs: one line of JSON for each test.
export default async function* verdicts(events) {
  for await (const { type, data } of events) {
    if ((type === 'test:pass' || type === 'test:fail') && data.details?.type !== 'suite') {
      const error = data.details?.error;
      yield `${JSON.stringify({ name: data.name, passed: type === 'test:pass', how: error?.failureType, why: String(error?.cause?.message ?? error?.message ?? '') })}\n`;
    }
  }
}
