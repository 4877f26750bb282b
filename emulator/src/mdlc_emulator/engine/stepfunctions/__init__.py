"""Step Functions: LocalStack's interpreter with JSONata in process, faster states, real stops and AWS's error
shapes.

`jsonata/` is pure and imports nothing of LocalStack; the modules beside it change one subject of the
interpreter each and are put in place by `install.install()`, which the provider calls before it is made.
"""
