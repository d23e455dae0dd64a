public enum BuiltInQueries {}
