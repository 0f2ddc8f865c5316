export { answerCase } from './answer.ts'
export { type CaseResult, compareAnswer } from './compare.ts'
export {
  type ConformanceAnswer,
  OPERATIONS,
  type Operation,
  readVectors,
  type Vector,
  type VectorFile,
} from './vectors.ts'
