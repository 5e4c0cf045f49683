Console.WriteLine("bal");
return 0;
