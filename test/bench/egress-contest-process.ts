import { holdContest } from './egress-contest.ts'

const contest = await holdContest(JSON.parse(process.argv[2] ?? ''))
// What still waits for a publisher who never answers must not keep anybody else.
process.stdout.write(JSON.stringify(contest), () => process.exit())
